#include "backfill/ledger_database.hpp"

#include "backfill/ledger_keys.hpp"
#include "base/limits.hpp"
#include "base/log.hpp"
#include "queue/file_checksum.hpp"

#include <rocksdb/cache.h>
#include <rocksdb/convenience.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/listener.h>
#include <rocksdb/slice_transform.h>
#include <rocksdb/table.h>
#include <rocksdb/write_buffer_manager.h>

#include <chrono>
#include <fmt/format.h>
#include <thread>
#include <vector>

namespace siding::backfill {
namespace {

const Logger log{"backfill"};

constexpr std::size_t MiB = 1024 * 1024;
// Memtables are charged to the cache, so that both together stay under its bound: 16 MiB each.
constexpr std::size_t memtables_octets = 16 * MiB;
constexpr std::size_t cache_octets = 2 * memtables_octets;
// A filter is one block of half a megabyte; each shard must hold several.
constexpr int cache_shard_bits = 1;
constexpr int open_files_max = 64;
constexpr std::array<const char*, ledger_family_count> family_names{
    "default", "message", "intent", "destination", "digest", "quarantine"};

// Turns background errors into the latch and forbids RocksDB's own recovery (#12873, #12995).
class LatchListener final : public rocksdb::EventListener {
public:
    explicit LatchListener(std::shared_ptr<LedgerLatch> latch) : latch_{std::move(latch)} {}

    void OnBackgroundError(rocksdb::BackgroundErrorReason, rocksdb::Status* status) override {
        if (!status->IsShutdownInProgress()) {  // our own destructor's doing
            latch_->fail("background error: " + status->ToString());
        }
    }
    void OnErrorRecoveryBegin(rocksdb::BackgroundErrorReason, rocksdb::Status, bool* auto_recovery)
        override {
        *auto_recovery = false;
    }

private:
    std::shared_ptr<LedgerLatch> latch_;
};

rocksdb::DBOptions make_db_options(bool read_only) {
    rocksdb::DBOptions db;
    db.create_if_missing = true;
    db.create_missing_column_families = true;
    db.paranoid_checks = true;
    db.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
    db.track_and_verify_wals_in_manifest = false;  // #10892
    db.recycle_log_file_num = 0;
    db.atomic_flush = true;
    db.max_bgerror_resume_count = 0;
    db.max_background_jobs = 2;
    db.max_subcompactions = 1;
    db.max_total_wal_size = 32 * MiB;  // what an open has to replay at the most
    db.bytes_per_sync = MiB;
    db.strict_bytes_per_sync = true;
    db.max_open_files = open_files_max;
    db.skip_stats_update_on_db_open = true;  // reads every file
    db.file_checksum_gen_factory = queue::make_file_checksums();
    db.fail_if_options_file_error = !read_only;
    db.keep_log_file_num = 5;
    db.info_log_level = rocksdb::InfoLogLevel::WARN_LEVEL;
    db.stats_dump_period_sec = 0;
    db.stats_persist_period_sec = 0;
    return db;
}

rocksdb::ColumnFamilyOptions make_family_options(
    LedgerFamily family, const std::shared_ptr<rocksdb::Cache>& cache
) {
    rocksdb::BlockBasedTableOptions table;
    table.block_cache = cache;
    table.cache_index_and_filter_blocks = true;
    table.pin_l0_filter_and_index_blocks_in_cache = true;
    table.block_size = 16 * 1024;
    table.format_version = 5;

    rocksdb::ColumnFamilyOptions options;
    options.write_buffer_size = 4 * MiB;
    options.memtable_protection_bytes_per_key = 8;
    options.compression = rocksdb::kLZ4Compression;
    options.level_compaction_dynamic_level_bytes = true;
    options.target_file_size_base = 16 * MiB;
    options.max_bytes_for_level_base = 64 * MiB;
    switch (family) {
    case LedgerFamily::message:
        options.write_buffer_size = 8 * MiB;
        table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
        break;
    case LedgerFamily::digest:
        // The usual answer is that there is no twin, and the filter gives it without a read.
        options.prefix_extractor.reset(rocksdb::NewFixedPrefixTransform(keys::digest_prefix_octets)
        );
        table.whole_key_filtering = false;
        table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
        break;
    case LedgerFamily::records:
    case LedgerFamily::intent:
    case LedgerFamily::destination:
    case LedgerFamily::quarantine:
        break;
    }
    options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
    return options;
}

bool is_lock_error(const rocksdb::Status& status) {
    // RocksDB has no code for it: the lock file's name is what tells.
    return status.IsIOError() && status.ToString().find("LOCK") != std::string::npos;
}

Error to_error(const rocksdb::Status& status, const std::string& what) {
    const Errc code = status.IsCorruption() ? Errc::corrupt : Errc::storage_failure;
    return Error{code, fmt::format("{}: {}", what, status.ToString())};
}

}  // namespace

void LedgerLatch::fail(std::string reason) {
    const std::lock_guard lock{mutex_};
    if (!failed_.load(std::memory_order_relaxed)) {
        log.error("ledger_failed", {{"reason", reason}});
        reason_ = std::move(reason);
        failed_.store(true, std::memory_order_release);
    }
}

std::string LedgerLatch::reason() const {
    const std::lock_guard lock{mutex_};
    return reason_;
}

LedgerDatabase::~LedgerDatabase() {
    if (db_ != nullptr) {
        rocksdb::CancelAllBackgroundWork(db_.get(), true);
    }
    handles_ = {};
}

Result<std::unique_ptr<LedgerDatabase>> LedgerDatabase::open(
    const std::filesystem::path& directory, bool read_only
) {
    const std::string path = directory.string();
    if (read_only && !std::filesystem::exists(directory)) {
        return Error{
            Errc::not_found,
            fmt::format("{} has no ledger; give the data_dir of the configuration", path)};
    }
    auto out = std::unique_ptr<LedgerDatabase>{new LedgerDatabase};
    out->read_only_ = read_only;
    rocksdb::DBOptions db = make_db_options(read_only);
    const auto cache = rocksdb::NewLRUCache(cache_octets, cache_shard_bits);
    db.write_buffer_manager =
        std::make_shared<rocksdb::WriteBufferManager>(memtables_octets, cache);
    db.listeners.push_back(std::make_shared<LatchListener>(out->latch_));

    std::vector<rocksdb::ColumnFamilyDescriptor> families;
    for (std::size_t i = 0; i < ledger_family_count; ++i) {
        const auto family = static_cast<LedgerFamily>(i);
        families.emplace_back(family_names[i], make_family_options(family, cache));
    }
    std::vector<rocksdb::ColumnFamilyHandle*> handles;
    rocksdb::DB* raw = nullptr;
    const rocksdb::Status status =
        read_only ? rocksdb::DB::OpenForReadOnly(db, path, families, &handles, &raw)
                  : rocksdb::DB::Open(db, path, families, &handles, &raw);
    if (is_lock_error(status)) {
        return Error{
            Errc::already_exists,
            fmt::format("{} is in use; stop that siding-backfilld first", path)};
    }
    if (!status.ok()) {
        return with_context(to_error(status, "open"), path);
    }
    out->db_.reset(raw);
    for (std::size_t i = 0; i < ledger_family_count; ++i) {
        out->handles_[i] = {handles[i], HandleDeleter{raw}};
    }
    return out;
}

Error LedgerDatabase::read_error(const rocksdb::Status& status, const std::string& what) const {
    if (status.IsIOError()) {
        latch_->fail("read: " + status.ToString());
    }
    return to_error(status, what);
}

Result<std::optional<std::string>> LedgerDatabase::get(LedgerFamily family, std::string_view key)
    const {
    std::string value;
    const rocksdb::Status status = db_->Get({}, handle(family), to_slice(key), &value);
    if (status.IsNotFound()) {
        return std::nullopt;
    }
    if (!status.ok()) {
        const char* const name = family_names[static_cast<std::size_t>(family)];
        return read_error(status, fmt::format("read of the ledger's {}", name));
    }
    return value;
}

std::unique_ptr<rocksdb::Iterator> LedgerDatabase::scan(
    LedgerFamily family, const std::string& prefix, std::string_view first
) const {
    // The bound must live as long as the iterator.
    struct Bounded final {
        std::string bound;
        rocksdb::Slice slice;
    };
    auto bounded = std::make_unique<Bounded>();
    bounded->bound = keys::after_prefix(prefix);
    bounded->slice = bounded->bound;
    rocksdb::ReadOptions read;
    read.fill_cache = family != LedgerFamily::message;  // a walk must not push the indices out
    if (!bounded->bound.empty()) {
        read.iterate_upper_bound = &bounded->slice;
    }
    std::unique_ptr<rocksdb::Iterator> iterator{db_->NewIterator(read, handle(family))};
    iterator->RegisterCleanup(
        [](void* held, void*) { delete static_cast<Bounded*>(held); }, bounded.release(), nullptr
    );
    iterator->Seek(to_slice(first.empty() ? std::string_view{prefix} : first));
    return iterator;
}

Result<void> LedgerDatabase::write(rocksdb::WriteBatch& batch) {
    if (read_only_) {
        return Error{Errc::conflict, "the ledger was opened for reading"};
    }
    rocksdb::WriteOptions options;
    options.sync = true;
    options.no_slowdown = true;  // a stall comes back as Incomplete instead of holding the thread
    const auto deadline = std::chrono::steady_clock::now() + limits::commit_deadline;
    for (;;) {
        if (latch_->failed()) {
            return Error{Errc::storage_failure, latch_->reason()};
        }
        const rocksdb::Status status = db_->Write(options, &batch);
        if (status.ok()) {
            return {};
        }
        if (!status.IsIncomplete()) {
            latch_->fail("write: " + status.ToString());
            return to_error(status, "write");
        }
        if (std::chrono::steady_clock::now() > deadline) {
            return Error{Errc::unavailable, "the ledger is stalled: the disk is too slow for it"};
        }
        std::this_thread::sleep_for(std::chrono::milliseconds{5});
    }
}

}  // namespace siding::backfill

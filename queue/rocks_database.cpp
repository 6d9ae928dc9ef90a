#include "queue/rocks_database.hpp"

#include "base/limits.hpp"
#include "base/log.hpp"
#include "queue/file_checksum.hpp"
#include "queue/frame.hpp"

#include <rocksdb/cache.h>
#include <rocksdb/convenience.h>
#include <rocksdb/env.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/listener.h>
#include <rocksdb/table.h>
#include <rocksdb/utilities/table_properties_collectors.h>
#include <rocksdb/write_buffer_manager.h>

#include <fmt/format.h>
#include <thread>

namespace siding::queue {
namespace {

const Logger log{"queue"};

constexpr std::size_t MiB = 1024 * 1024;
// A full body memtable, the one being flushed and those of the other families fit without a stall;
// memtables are charged to the cache, so that both together stay under its bound.
constexpr std::size_t body_memtable_octets = 64 * MiB;
constexpr std::size_t memtables_octets = 192 * MiB;
constexpr std::size_t cache_octets = 224 * MiB;
static_assert(2 * body_memtable_octets < memtables_octets && memtables_octets < cache_octets);
constexpr std::array<const char*, family_count> family_names{
    // RocksDB insists on "default"; the envelopes live there.
    "default",
    "recipient",
    "body",
    "held",
    "due",
    "ledger",
    "trace",
    "meta",
    "quarantine"};

// Turns background errors into the latch and forbids RocksDB's own recovery (#12873, #12995).
class LatchListener final : public rocksdb::EventListener {
public:
    explicit LatchListener(std::shared_ptr<FailureLatch> latch) : latch_{std::move(latch)} {}

    void OnBackgroundError(rocksdb::BackgroundErrorReason, rocksdb::Status* status) override {
        latch_->fail("background error: " + status->ToString());
    }

    void OnErrorRecoveryBegin(rocksdb::BackgroundErrorReason, rocksdb::Status, bool* auto_recovery)
        override {
        *auto_recovery = false;
    }

private:
    std::shared_ptr<FailureLatch> latch_;
};

rocksdb::DBOptions make_db_options(const RocksOptions& options, rocksdb::Env* env) {
    rocksdb::DBOptions db;
    db.create_if_missing = true;
    db.create_missing_column_families = true;
    db.env = env;
    db.paranoid_checks = true;
    db.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
    db.track_and_verify_wals_in_manifest = false;  // #10892
    db.recycle_log_file_num = 0;
    db.atomic_flush = true;
    db.max_write_batch_group_size_bytes = 32 * MiB;
    db.max_bgerror_resume_count = 0;
    db.max_background_jobs = 2;
    db.max_subcompactions = 1;
    db.max_total_wal_size = 256 * MiB;
    db.bytes_per_sync = MiB;
    db.strict_bytes_per_sync = true;
    db.max_open_files = -1;
    db.file_checksum_gen_factory = make_file_checksums();
    db.fail_if_options_file_error = !options.read_only;
    db.keep_log_file_num = 5;
    db.info_log_level = rocksdb::InfoLogLevel::WARN_LEVEL;
    db.stats_dump_period_sec = 0;
    db.stats_persist_period_sec = 0;
    return db;
}

rocksdb::ColumnFamilyOptions make_family_options(
    Family family, const std::shared_ptr<rocksdb::Cache>& cache
) {
    rocksdb::BlockBasedTableOptions table;
    table.block_cache = cache;
    table.cache_index_and_filter_blocks = true;
    table.pin_l0_filter_and_index_blocks_in_cache = true;
    table.block_size = 16 * 1024;
    table.format_version = 5;

    rocksdb::ColumnFamilyOptions options;
    options.write_buffer_size = 16 * MiB;
    options.memtable_protection_bytes_per_key = 8;
    options.compression = rocksdb::kLZ4Compression;
    options.level_compaction_dynamic_level_bytes = true;
    switch (family) {
    case Family::message:
    case Family::recipient:
        table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
        break;
    case Family::body:
        // A body is read once, when it leaves: blobs keep it out of compaction.
        options.enable_blob_files = true;
        options.min_blob_size = 4096;
        options.blob_file_size = 128 * MiB;
        options.blob_compression_type = rocksdb::kNoCompression;
        options.enable_blob_garbage_collection = true;
        options.blob_garbage_collection_age_cutoff = 1.0;
        options.blob_garbage_collection_force_threshold = 0.5;
        options.blob_compaction_readahead_size = 4 * MiB;
        options.write_buffer_size = body_memtable_octets;
        options.max_write_buffer_number = 3;
        options.target_file_size_base = 4 * MiB;
        break;
    case Family::held:
    case Family::due:
        // Queues are tombstones in front of what matters; compact where they pile up.
        options.table_properties_collector_factories.push_back(
            rocksdb::NewCompactOnDeletionCollectorFactory(4096, 1024, 0.5)
        );
        options.target_file_size_base = 16 * MiB;
        break;
    case Family::ledger:
    case Family::trace:
    case Family::meta:
    case Family::quarantine:
        break;
    }
    options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
    return options;
}

bool is_lock_error(const rocksdb::Status& status) {
    // RocksDB has no code for it: the lock file's name is what tells.
    return status.IsIOError() && status.ToString().find("LOCK") != std::string::npos;
}

}  // namespace

void FailureLatch::fail(std::string reason) {
    const std::lock_guard lock{mutex_};
    if (!failed_.load(std::memory_order_relaxed)) {
        log.error("storage_failed", {{"reason", reason}});
        reason_ = std::move(reason);
        failed_.store(true, std::memory_order_release);
    }
}

std::string FailureLatch::reason() const {
    const std::lock_guard lock{mutex_};
    return reason_;
}

void put_framed(
    rocksdb::WriteBatch& batch,
    rocksdb::ColumnFamilyHandle* family,
    const std::string& key,
    std::string_view payload
) {
    const FrameHead head = make_frame_head(payload);
    const rocksdb::Slice key_part{key};
    const std::array<rocksdb::Slice, 2> value{
        rocksdb::Slice{head.data(), head.size()}, rocksdb::Slice{payload.data(), payload.size()}};
    batch.Put(family, rocksdb::SliceParts{&key_part, 1}, rocksdb::SliceParts{value.data(), 2});
}

RocksDatabase::~RocksDatabase() {
    if (db_ != nullptr) {
        rocksdb::CancelAllBackgroundWork(db_.get(), true);
    }
    handles_ = {};
}

Result<std::unique_ptr<RocksDatabase>> RocksDatabase::open(const RocksOptions& options) {
    auto out = std::unique_ptr<RocksDatabase>{new RocksDatabase};
    out->skip_sync_ = options.skip_sync_for_test;
    if (options.file_system != nullptr) {
        out->env_ = rocksdb::NewCompositeEnv(options.file_system);
    }
    rocksdb::Env* env = out->env_ != nullptr ? out->env_.get() : rocksdb::Env::Default();
    rocksdb::DBOptions db = make_db_options(options, env);
    const auto cache = rocksdb::NewLRUCache(cache_octets);
    // Memtables are charged to the same cache, so that both together stay under one bound.
    db.write_buffer_manager =
        std::make_shared<rocksdb::WriteBufferManager>(memtables_octets, cache, true);
    db.listeners.push_back(std::make_shared<LatchListener>(out->latch_));

    std::vector<rocksdb::ColumnFamilyDescriptor> families;
    for (std::size_t i = 0; i < family_count; ++i) {
        families.emplace_back(family_names[i], make_family_options(static_cast<Family>(i), cache));
    }
    std::vector<rocksdb::ColumnFamilyHandle*> handles;
    rocksdb::DB* raw = nullptr;
    const std::string path = options.directory.string();
    const rocksdb::Status status =
        options.read_only ? rocksdb::DB::OpenForReadOnly(db, path, families, &handles, &raw)
                          : rocksdb::DB::Open(db, path, families, &handles, &raw);
    if (!status.ok()) {
        if (is_lock_error(status)) {
            return Error{
                Errc::already_exists,
                fmt::format("{} is in use by another process; stop that sidingd first", path)};
        }
        return with_context(out->to_error(status, "open"), path);
    }
    out->db_.reset(raw);
    for (std::size_t i = 0; i < family_count; ++i) {
        out->handles_[i] = {handles[i], HandleDeleter{raw}};
    }
    return out;
}

bool RocksDatabase::is_in_use(const std::filesystem::path& directory) {
    rocksdb::Env& env = *rocksdb::Env::Default();
    rocksdb::FileLock* lock = nullptr;
    if (!env.LockFile((directory / "LOCK").string(), &lock).ok()) {
        return true;
    }
    env.UnlockFile(lock);
    return false;
}

Error RocksDatabase::to_error(const rocksdb::Status& status, const std::string& what) const {
    const Errc code = status.IsCorruption() ? Errc::corrupt : Errc::storage_failure;
    return Error{code, fmt::format("{}: {}", what, status.ToString())};
}

Error RocksDatabase::read_error(const rocksdb::Status& status, const std::string& what) const {
    if (status.IsIOError()) {
        latch_->fail("read: " + status.ToString());
    }
    return to_error(status, what);
}

Result<std::optional<std::string>> RocksDatabase::get(Family family, std::string_view key) const {
    std::string value;
    const rocksdb::Status status = db_->Get({}, handle(family), {key.data(), key.size()}, &value);
    if (status.IsNotFound()) {
        return std::nullopt;
    }
    if (!status.ok()) {
        return read_error(
            status, fmt::format("read of {}", family_names[static_cast<std::size_t>(family)])
        );
    }
    return value;
}

std::unique_ptr<rocksdb::Iterator> RocksDatabase::scan(
    Family family, const std::string& upper_bound, bool fill_cache
) const {
    // The bound must live as long as the iterator.
    struct Bounded final : rocksdb::Cleanable {
        std::string bound;
        rocksdb::Slice slice;
    };
    auto bounded = std::make_unique<Bounded>();
    bounded->bound = upper_bound;
    bounded->slice = bounded->bound;
    rocksdb::ReadOptions read;
    read.fill_cache = fill_cache;
    if (!upper_bound.empty()) {
        read.iterate_upper_bound = &bounded->slice;
    }
    std::unique_ptr<rocksdb::Iterator> iterator{db_->NewIterator(read, handle(family))};
    iterator->RegisterCleanup(
        [](void* held, void*) { delete static_cast<Bounded*>(held); }, bounded.release(), nullptr
    );
    return iterator;
}

Result<void> RocksDatabase::write_synced(rocksdb::WriteBatch& batch) {
    return write(batch, !skip_sync_);
}

Result<void> RocksDatabase::write_unsynced(rocksdb::WriteBatch& batch) {
    return write(batch, false);
}

Result<void> RocksDatabase::write(rocksdb::WriteBatch& batch, bool sync) {
    rocksdb::WriteOptions options;
    options.sync = sync;
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
            return Error{
                Errc::unavailable, "the store is stalled: it cannot flush as fast as mail arrives"};
        }
        std::this_thread::sleep_for(std::chrono::milliseconds{5});
    }
}

}  // namespace siding::queue

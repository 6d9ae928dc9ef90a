#include "backfill/ledger_database.hpp"

#include "backfill/ledger_keys.hpp"
#include "base/log.hpp"
#include "queue/rocks_safety.hpp"

#include <rocksdb/cache.h>
#include <rocksdb/convenience.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/slice_transform.h>
#include <rocksdb/write_buffer_manager.h>

#include <fmt/format.h>
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

rocksdb::DBOptions make_db_options(bool read_only) {
    rocksdb::DBOptions db = queue::make_safe_options(read_only);
    db.max_total_wal_size = 32 * MiB;  // what an open has to replay at the most
    db.max_open_files = open_files_max;
    db.skip_stats_update_on_db_open = true;  // reads every file
    return db;
}

rocksdb::ColumnFamilyOptions make_family_options(
    LedgerFamily family, const std::shared_ptr<rocksdb::Cache>& cache
) {
    rocksdb::BlockBasedTableOptions table = queue::make_table_options(cache);
    rocksdb::ColumnFamilyOptions options = queue::make_safe_family_options();
    options.write_buffer_size = 4 * MiB;
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

}  // namespace

LedgerDatabase::LedgerDatabase()
    : latch_{std::make_shared<queue::FailureLatch>([](const std::string& reason) {
          log.error("ledger_failed", {{"reason", reason}});
      })} {}

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
    db.listeners.push_back(queue::make_latch_listener(out->latch_));

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
    if (queue::is_lock_error(status)) {
        return Error{
            Errc::already_exists,
            fmt::format("{} is in use; stop that siding-backfilld first", path)};
    }
    if (!status.ok()) {
        return with_context(queue::to_error(status, "open"), path);
    }
    out->db_.reset(raw);
    for (std::size_t i = 0; i < ledger_family_count; ++i) {
        out->handles_[i] = {handles[i], HandleDeleter{raw}};
    }
    return out;
}

Error LedgerDatabase::read_error(const rocksdb::Status& status, const std::string& what) const {
    return queue::to_read_error(*latch_, status, what);
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
    const bool fill_cache =
        family != LedgerFamily::message;  // a walk must not push the indices out
    auto iterator =
        queue::bounded_iterator(*db_, handle(family), keys::after_prefix(prefix), fill_cache);
    iterator->Seek(to_slice(first.empty() ? std::string_view{prefix} : first));
    return iterator;
}

Result<void> LedgerDatabase::write(rocksdb::WriteBatch& batch) {
    if (read_only_) {
        return Error{Errc::conflict, "the ledger was opened for reading"};
    }
    return queue::write_batch(
        *db_, *latch_, batch, true, "the ledger is stalled: the disk is too slow for it"
    );
}

}  // namespace siding::backfill

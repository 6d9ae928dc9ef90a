#include "queue/rocks_database.hpp"

#include "base/log.hpp"
#include "queue/frame.hpp"
#include "queue/rocks_safety.hpp"

#include <rocksdb/cache.h>
#include <rocksdb/convenience.h>
#include <rocksdb/env.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/utilities/table_properties_collectors.h>
#include <rocksdb/write_buffer_manager.h>

#include <fmt/format.h>

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

rocksdb::DBOptions make_db_options(const RocksOptions& options, rocksdb::Env* env) {
    rocksdb::DBOptions db = make_safe_options(options.read_only);
    db.env = env;
    db.max_write_batch_group_size_bytes = 32 * MiB;
    db.max_total_wal_size = 256 * MiB;
    db.max_open_files = -1;
    return db;
}

rocksdb::ColumnFamilyOptions make_family_options(
    Family family, const std::shared_ptr<rocksdb::Cache>& cache
) {
    rocksdb::BlockBasedTableOptions table = make_table_options(cache);
    rocksdb::ColumnFamilyOptions options = make_safe_family_options();
    options.write_buffer_size = 16 * MiB;
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

}  // namespace

RocksDatabase::RocksDatabase()
    : latch_{std::make_shared<FailureLatch>([](const std::string& reason) {
          log.error("storage_failed", {{"reason", reason}});
      })} {}

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
    db.listeners.push_back(make_latch_listener(out->latch_));

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
        return with_context(to_error(status, "open"), path);
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

Error RocksDatabase::read_error(const rocksdb::Status& status, const std::string& what) const {
    return to_read_error(*latch_, status, what);
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
    return bounded_iterator(*db_, handle(family), upper_bound, fill_cache);
}

Result<void> RocksDatabase::write_synced(rocksdb::WriteBatch& batch) {
    return write(batch, !skip_sync_);
}

Result<void> RocksDatabase::write_unsynced(rocksdb::WriteBatch& batch) {
    return write(batch, false);
}

Result<void> RocksDatabase::write(rocksdb::WriteBatch& batch, bool sync) {
    return write_batch(
        *db_, *latch_, batch, sync, "the store is stalled: it cannot flush as fast as mail arrives"
    );
}

}  // namespace siding::queue

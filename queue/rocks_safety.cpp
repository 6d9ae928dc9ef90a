#include "queue/rocks_safety.hpp"

#include "base/limits.hpp"
#include "queue/file_checksum.hpp"

#include <rocksdb/listener.h>

#include <chrono>
#include <fmt/format.h>
#include <thread>
#include <utility>

namespace siding::queue {
namespace {

constexpr std::size_t MiB = 1024 * 1024;

class LatchListener final : public rocksdb::EventListener {
public:
    explicit LatchListener(std::shared_ptr<FailureLatch> latch) : latch_{std::move(latch)} {}

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
    std::shared_ptr<FailureLatch> latch_;
};

}  // namespace

rocksdb::DBOptions make_safe_options(bool read_only) {
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
    db.bytes_per_sync = MiB;
    db.strict_bytes_per_sync = true;
    db.file_checksum_gen_factory = make_file_checksums();
    db.fail_if_options_file_error = !read_only;
    db.keep_log_file_num = 5;
    db.info_log_level = rocksdb::InfoLogLevel::WARN_LEVEL;
    db.stats_dump_period_sec = 0;
    db.stats_persist_period_sec = 0;
    return db;
}

rocksdb::ColumnFamilyOptions make_safe_family_options() {
    rocksdb::ColumnFamilyOptions options;
    options.memtable_protection_bytes_per_key = 8;
    options.compression = rocksdb::kLZ4Compression;
    options.level_compaction_dynamic_level_bytes = true;
    return options;
}

rocksdb::BlockBasedTableOptions make_table_options(const std::shared_ptr<rocksdb::Cache>& cache) {
    rocksdb::BlockBasedTableOptions table;
    table.block_cache = cache;
    table.cache_index_and_filter_blocks = true;
    table.pin_l0_filter_and_index_blocks_in_cache = true;
    table.block_size = 16 * 1024;
    table.format_version = 5;
    return table;
}

std::shared_ptr<rocksdb::EventListener> make_latch_listener(std::shared_ptr<FailureLatch> latch) {
    return std::make_shared<LatchListener>(std::move(latch));
}

bool is_lock_error(const rocksdb::Status& status) {
    // The lock file's name is what tells.
    return status.IsIOError() && status.ToString().find("LOCK") != std::string::npos;
}

Error to_error(const rocksdb::Status& status, std::string_view what) {
    const Errc code = status.IsCorruption() ? Errc::corrupt : Errc::storage_failure;
    return Error{code, fmt::format("{}: {}", what, status.ToString())};
}

Error to_read_error(FailureLatch& latch, const rocksdb::Status& status, std::string_view what) {
    if (status.IsIOError()) {
        latch.fail("read: " + status.ToString());
    }
    return to_error(status, what);
}

Result<void> write_batch(
    rocksdb::DB& db,
    FailureLatch& latch,
    rocksdb::WriteBatch& batch,
    bool sync,
    std::string_view stalled
) {
    rocksdb::WriteOptions options;
    options.sync = sync;
    options.no_slowdown = true;  // a stall comes back as Incomplete instead of holding the thread
    const auto deadline = std::chrono::steady_clock::now() + limits::commit_deadline;
    for (;;) {
        if (latch.failed()) {
            return Error{Errc::storage_failure, latch.reason()};
        }
        const rocksdb::Status status = db.Write(options, &batch);
        if (status.ok()) {
            return {};
        }
        if (!status.IsIncomplete()) {
            latch.fail("write: " + status.ToString());
            return to_error(status, "write");
        }
        if (std::chrono::steady_clock::now() > deadline) {
            return Error{Errc::unavailable, std::string{stalled}};
        }
        std::this_thread::sleep_for(std::chrono::milliseconds{5});
    }
}

std::unique_ptr<rocksdb::Iterator> bounded_iterator(
    rocksdb::DB& db, rocksdb::ColumnFamilyHandle* family, std::string upper_bound, bool fill_cache
) {
    // The bound must live as long as the iterator.
    struct Bounded final {
        std::string bound;
        rocksdb::Slice slice;
    };
    auto bounded = std::make_unique<Bounded>();
    bounded->bound = std::move(upper_bound);
    bounded->slice = bounded->bound;
    rocksdb::ReadOptions read;
    read.fill_cache = fill_cache;
    if (!bounded->bound.empty()) {
        read.iterate_upper_bound = &bounded->slice;
    }
    std::unique_ptr<rocksdb::Iterator> iterator{db.NewIterator(read, family)};
    iterator->RegisterCleanup(
        [](void* held, void*) { delete static_cast<Bounded*>(held); }, bounded.release(), nullptr
    );
    return iterator;
}

}  // namespace siding::queue

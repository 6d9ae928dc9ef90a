// What every RocksDB of ours has in common, whatever its size: the settings that keep what was
// acknowledged, the bugs of 7.8.3 that they route around (docs/architecture.md, "RocksDB"), and
// writing that fails closed.
#pragma once

#include "base/result.hpp"
#include "queue/failure_latch.hpp"

#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/table.h>
#include <rocksdb/write_batch.h>

#include <memory>
#include <string>
#include <string_view>

namespace siding::queue {

// Without listeners, memory bounds and file limits: those are the database's own.
rocksdb::DBOptions make_safe_options(bool read_only);
rocksdb::ColumnFamilyOptions make_safe_family_options();
rocksdb::BlockBasedTableOptions make_table_options(const std::shared_ptr<rocksdb::Cache>& cache);

// Turns background errors into the latch and forbids RocksDB's own recovery (#12873, #12995).
std::shared_ptr<rocksdb::EventListener> make_latch_listener(std::shared_ptr<FailureLatch> latch);

// Whether somebody else has the database open: RocksDB has no code for it.
bool is_lock_error(const rocksdb::Status& status);

// Errc::corrupt or Errc::storage_failure, with RocksDB's words.
Error to_error(const rocksdb::Status& status, std::string_view what);
// The same for a read, an iterator's too: what the disk refuses latches.
Error to_read_error(FailureLatch& latch, const rocksdb::Status& status, std::string_view what);

// A stall is waited out up to limits::commit_deadline (Errc::unavailable, with `stalled`: nothing
// was written); any other failure latches.
Result<void> write_batch(
    rocksdb::DB& db,
    FailureLatch& latch,
    rocksdb::WriteBatch& batch,
    bool sync,
    std::string_view stalled
);

// Not beyond `upper_bound`, where there is one.
std::unique_ptr<rocksdb::Iterator> bounded_iterator(
    rocksdb::DB& db, rocksdb::ColumnFamilyHandle* family, std::string upper_bound, bool fill_cache
);

}  // namespace siding::queue

// One open RocksDB: options, column families, the failure latch. Settings and the bugs of 7.8.3
// that they route around: docs/architecture.md, "RocksDB".
//
// Fail closed: the first failed write or sync, ours or in the background, latches; nothing is
// resumed in place (RocksDB 7.8 may reuse sequence numbers after that). The process exits and opens
// anew.
#pragma once

#include "base/result.hpp"
#include "queue/failure_latch.hpp"

#include <rocksdb/db.h>
#include <rocksdb/file_system.h>

#include <array>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

namespace siding::queue {

enum class Family { message, recipient, body, held, due, ledger, trace, meta, quarantine };
inline constexpr std::size_t family_count = 9;

struct RocksOptions {
    std::filesystem::path directory;
    bool read_only = false;
    // For crash tests: a file system that forgets unsynced octets, and a write path that skips the
    // sync. No configuration leads here.
    std::shared_ptr<rocksdb::FileSystem> file_system;
    bool skip_sync_for_test = false;
};

// Puts the payload in its frame (frame.hpp) without a copy of it: for bodies.
void put_framed(
    rocksdb::WriteBatch& batch,
    rocksdb::ColumnFamilyHandle* family,
    const std::string& key,
    std::string_view payload
);

class RocksDatabase {
public:
    // Errc::already_exists if another process holds the lock, Errc::not_found for a missing
    // directory that is to be read only, Errc::corrupt or Errc::storage_failure with RocksDB's
    // words.
    static Result<std::unique_ptr<RocksDatabase>> open(const RocksOptions& options);
    ~RocksDatabase();

    // Does somebody, this process included, have it open for writing?
    static bool is_in_use(const std::filesystem::path& directory);

    rocksdb::DB& db() const { return *db_; }
    rocksdb::ColumnFamilyHandle* handle(Family family) const {
        return handles_[static_cast<std::size_t>(family)].get();
    }

    // A read that the disk refuses latches; a block that does not match its checksum is
    // Errc::corrupt.
    Result<std::optional<std::string>> get(Family family, std::string_view key) const;
    std::unique_ptr<rocksdb::Iterator> scan(
        Family family, const std::string& upper_bound, bool fill_cache = true
    ) const;

    // Writes and syncs. A stall is waited out up to limits::commit_deadline (Errc::unavailable:
    // nothing was written); any other failure latches.
    Result<void> write_synced(rocksdb::WriteBatch& batch);
    Result<void> write_unsynced(rocksdb::WriteBatch& batch);

    FailureLatch& latch() const { return *latch_; }
    // What the disk refuses latches, of a read or an iterator too.
    Error read_error(const rocksdb::Status& status, const std::string& what) const;

private:
    struct HandleDeleter {
        rocksdb::DB* db;
        void operator()(rocksdb::ColumnFamilyHandle* handle) const {
            db->DestroyColumnFamilyHandle(handle);
        }
    };

    RocksDatabase();
    Result<void> write(rocksdb::WriteBatch& batch, bool sync);

    std::shared_ptr<FailureLatch> latch_;
    std::unique_ptr<rocksdb::Env> env_;
    bool skip_sync_ = false;
    std::unique_ptr<rocksdb::DB> db_;
    std::array<std::unique_ptr<rocksdb::ColumnFamilyHandle, HandleDeleter>, family_count> handles_;
};

}  // namespace siding::queue

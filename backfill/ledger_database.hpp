// The one open RocksDB of the backfill: options, column families, the failure latch. It is small
// and holds its memory whatever it keeps; queue/rocks_database.hpp is the large one, and
// queue/rocks_safety.hpp what both have in common.
//
// Fail closed: the first failed write or sync, ours or in the background, latches; nothing is
// resumed in place. Thread-safe.
#pragma once

#include "base/result.hpp"
#include "queue/failure_latch.hpp"

#include <rocksdb/db.h>
#include <rocksdb/write_batch.h>

#include <array>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

namespace siding::backfill {

enum class LedgerFamily { records, message, intent, destination, digest, quarantine };
inline constexpr std::size_t ledger_family_count = 6;

class LedgerDatabase {
public:
    // Errc::already_exists if somebody holds the lock, Errc::not_found for a missing directory
    // that is to be read only, Errc::corrupt or Errc::storage_failure with RocksDB's words.
    static Result<std::unique_ptr<LedgerDatabase>> open(
        const std::filesystem::path& directory, bool read_only = false
    );
    ~LedgerDatabase();

    rocksdb::ColumnFamilyHandle* handle(LedgerFamily family) const {
        return handles_[static_cast<std::size_t>(family)].get();
    }

    Result<std::optional<std::string>> get(LedgerFamily family, std::string_view key) const;
    // At the first key not below `first` of those that start with `prefix`.
    std::unique_ptr<rocksdb::Iterator> scan(
        LedgerFamily family, const std::string& prefix, std::string_view first = {}
    ) const;

    // Writes and syncs. A stall is waited out up to limits::commit_deadline (Errc::unavailable:
    // nothing was written); any other failure latches.
    Result<void> write(rocksdb::WriteBatch& batch);

    bool failed() const { return latch_->failed(); }
    // What the disk refuses latches, of a read or an iterator too.
    Error read_error(const rocksdb::Status& status, const std::string& what) const;

private:
    struct HandleDeleter {
        rocksdb::DB* db;
        void operator()(rocksdb::ColumnFamilyHandle* handle) const {
            db->DestroyColumnFamilyHandle(handle);
        }
    };

    LedgerDatabase();

    std::shared_ptr<queue::FailureLatch> latch_;
    bool read_only_ = false;
    std::unique_ptr<rocksdb::DB> db_;
    std::array<std::unique_ptr<rocksdb::ColumnFamilyHandle, HandleDeleter>, ledger_family_count>
        handles_;
};

inline rocksdb::Slice to_slice(std::string_view octets) {
    return {octets.data(), octets.size()};
}

}  // namespace siding::backfill

// The one open RocksDB of the backfill: options, column families, the failure latch. It is small
// and holds its memory whatever it keeps; queue/rocks_database.hpp is the large one, with the bugs
// of 7.8.3 that both route around.
//
// Fail closed: the first failed write or sync, ours or in the background, latches; nothing is
// resumed in place. Thread-safe.
#pragma once

#include "base/result.hpp"

#include <rocksdb/db.h>
#include <rocksdb/write_batch.h>

#include <array>
#include <atomic>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

namespace siding::backfill {

enum class LedgerFamily { records, message, intent, destination, digest, quarantine };
inline constexpr std::size_t ledger_family_count = 6;

class LedgerLatch {
public:
    void fail(std::string reason);
    bool failed() const { return failed_.load(std::memory_order_acquire); }
    std::string reason() const;

private:
    std::atomic<bool> failed_ = false;
    mutable std::mutex mutex_;
    std::string reason_;
};

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

    LedgerDatabase() = default;

    std::shared_ptr<LedgerLatch> latch_ = std::make_shared<LedgerLatch>();
    bool read_only_ = false;
    std::unique_ptr<rocksdb::DB> db_;
    std::array<std::unique_ptr<rocksdb::ColumnFamilyHandle, HandleDeleter>, ledger_family_count>
        handles_;
};

inline rocksdb::Slice to_slice(std::string_view octets) {
    return {octets.data(), octets.size()};
}

}  // namespace siding::backfill

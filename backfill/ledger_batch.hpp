// Builds one atomic batch out of rows of one epoch: the rows, their indices, the totals. Whoever
// uses one holds the mailbox's lock until the batch is written.
#pragma once

#include "backfill/ledger_impl.hpp"

#include <map>

namespace siding::backfill {

class LedgerBatch {
public:
    LedgerBatch(LedgerDatabase& database, const keys::EpochKey& of)
        : database_{database}, of_{of} {}

    // A row in its place that cannot be read goes into quarantine.
    Result<void> put(const CopyRecord& row);
    void put(const MailboxRecord& mailbox);
    // With the totals; nothing may be put after.
    Result<void> write();

private:
    Result<std::optional<CopyRecord>> load(std::uint64_t uid);
    void put_indices(const CopyRecord* before, const CopyRecord& after);
    Result<MailboxTotals> new_totals();
    void put(LedgerFamily family, std::string_view key, std::string_view value);
    void erase(LedgerFamily family, std::string_view key);

    LedgerDatabase& database_;
    keys::EpochKey of_;
    rocksdb::WriteBatch batch_;
    // Rows as they were, and as this batch leaves them.
    std::map<std::uint64_t, std::optional<CopyRecord>> before_;
    std::map<std::uint64_t, CopyRecord> after_;
    bool must_count_ = false;
};

}  // namespace siding::backfill

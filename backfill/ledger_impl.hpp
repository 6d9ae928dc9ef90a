// What the ledger*.cpp files share. Nobody else includes this; RocksDB stays behind ledger.hpp.
#pragma once

#include "backfill/ledger.hpp"
#include "backfill/ledger_database.hpp"
#include "backfill/ledger_keys.hpp"

#include <array>
#include <functional>
#include <mutex>

namespace siding::backfill {

class Ledger::Impl {
public:
    explicit Impl(std::unique_ptr<LedgerDatabase> opened) : database{std::move(opened)} {}

    // Who gives out ids of an account, or reads rows to write them, has one of these; two threads
    // on two mailboxes share one sync.
    std::mutex& lock_of(AccountId account, MailboxId mailbox) {
        return locks_[(std::size_t{account} * 31 + mailbox) % locks_.size()];
    }

    std::unique_ptr<LedgerDatabase> database;

private:
    std::array<std::mutex, 61> locks_;
};

inline keys::EpochKey epoch_key(AccountId account, const MailboxRecord& mailbox) {
    return {account, mailbox.id, keys::to_epoch(mailbox.source_uid_validity)};
}

Result<CopyRecord> read_row(const keys::EpochKey& of, std::uint64_t uid, std::string_view stored);
Result<std::optional<CopyRecord>> find_row(
    const LedgerDatabase& database, const keys::EpochKey& of, std::uint64_t uid
);

// Every row of an epoch from a UID on, until `take` says false.
using TakeRow = std::function<bool(std::uint64_t uid, std::string_view stored)>;
Result<void> for_each_row(
    const LedgerDatabase& database,
    const keys::EpochKey& of,
    std::uint64_t from_uid,
    const TakeRow& take
);

void add_to(MailboxTotals& totals, const CopyRecord& row, int by);
// By counting; rows that cannot be read are left out.
Result<MailboxTotals> count_rows(const LedgerDatabase& database, const keys::EpochKey& of);
// As kept; counted where what is kept cannot be read.
Result<MailboxTotals> read_totals(const LedgerDatabase& database, const keys::EpochKey& of);

}  // namespace siding::backfill

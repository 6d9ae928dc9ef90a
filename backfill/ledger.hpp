// The backfill's memory: which message of the source is which one of the destination, and what was
// about to be done when the process died. Identity is (account, mailbox, UIDVALIDITY, UID); digests
// find the same octets elsewhere.
//
// Every write is one synced batch: when a function answers, it is on disk. All calls block; call
// them on blocking threads. Thread-safe. After Errc::storage_failure every further write is
// refused.
#pragma once

#include "backfill/copy_record.hpp"
#include "base/result.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace siding::backfill {

struct LedgerPage {
    std::vector<CopyRecord> rows;  // by UID
    std::uint64_t next_uid = 0;    // where the next page begins; 0 at the end
};

struct Twin {  // a message with the same octets
    MailboxId mailbox = 0;
    std::uint64_t uid = 0;

    auto operator<=>(const Twin&) const = default;
};

struct Showing {  // of a message, in one mailbox
    MailboxRecord mailbox;
    CopyRecord row;
};

struct MailboxTotals {
    std::map<CopyState, std::uint64_t> messages;
    std::uint64_t copied_octets = 0;
};

class Ledger {
public:
    // <data_dir>/backfill. Errc::already_exists: another process has it.
    static Result<std::unique_ptr<Ledger>> open(const std::filesystem::path& directory);
    // For commands beside a stopped daemon.
    static Result<std::unique_ptr<Ledger>> open_read_only(const std::filesystem::path& directory);
    ~Ledger();
    Ledger(const Ledger&) = delete;
    Ledger& operator=(const Ledger&) = delete;

    // --- Accounts and mailboxes. The id of a name is given at its first use and kept.
    Result<AccountRecord> account(std::string_view name);
    Result<void> put(const AccountRecord& account);
    Result<std::vector<AccountRecord>> accounts() const;
    Result<MailboxRecord> mailbox(AccountId account, std::string_view source_name);
    // Those of many names, in their order, with one sync for all that are new.
    Result<std::vector<MailboxRecord>> mailboxes(
        AccountId account, std::span<const std::string> source_names
    );
    Result<void> put(AccountId account, const MailboxRecord& mailbox);
    Result<std::vector<MailboxRecord>> mailboxes(AccountId account) const;

    // --- Messages of the mailbox's present source UIDVALIDITY, the one in `mailbox`.
    // A row that the disk has changed is Errc::corrupt, by name, for whoever reads it, and stays so
    // until put_aside_corrupt() or until it is written anew.
    //
    // Writes or overwrites rows, and the mailbox beside them, in one batch; keeps the index by
    // digest, the one by destination UID and the totals in step.
    Result<void> record(
        AccountId account, const MailboxRecord& mailbox, std::span<const CopyRecord> rows
    );
    Result<std::optional<CopyRecord>> find(
        AccountId account, const MailboxRecord& mailbox, std::uint64_t uid
    ) const;
    Result<std::optional<CopyRecord>> find_by_destination(
        AccountId account, const MailboxRecord& mailbox, std::uint64_t destination_uid
    ) const;
    Result<LedgerPage> list(
        AccountId account,
        const MailboxRecord& mailbox,
        std::uint64_t from_uid,
        std::size_t rows_max
    ) const;
    // Rows in state `intent`, by UID: what a crash or a lost connection has left in doubt.
    Result<std::vector<CopyRecord>> intents(AccountId account, const MailboxRecord& mailbox) const;
    // Same raw digest, anywhere in the account, copied, at most `twins_max`.
    Result<std::vector<Twin>> twins(AccountId account, const Digest& raw, std::size_t twins_max)
        const;
    // Same email_id, anywhere in the account, copied, at most `showings_max`.
    Result<std::vector<Showing>> showings(
        AccountId account, std::string_view email_id, std::size_t showings_max
    ) const;
    Result<MailboxTotals> totals(AccountId account, const MailboxRecord& mailbox) const;

    // Moves rows that cannot be read out of the way, their octets into quarantine, and leaves in
    // their place rows in state `intent` without digests: whether the message was copied is in
    // doubt. The UIDs of these.
    Result<std::vector<std::uint64_t>> put_aside_corrupt(
        AccountId account, const MailboxRecord& mailbox
    );

    // The source gave the mailbox another UIDVALIDITY: its rows become those of an epoch that has
    // ended, which epoch_rows() still reads, and the mailbox starts anew with `now`. Rows
    // of an epoch that comes back are there again.
    Result<MailboxRecord> begin_epoch(
        AccountId account, MailboxRecord mailbox, std::string_view now
    );
    Result<LedgerPage> epoch_rows(
        AccountId account,
        const MailboxRecord& mailbox,
        std::string_view source_uid_validity,
        std::uint64_t from_uid,
        std::size_t rows_max
    ) const;

    // --- Small named values of an account: verdicts of a verification, budgets, plans.
    Result<void> put_value(AccountId account, std::string_view key, std::string_view value);
    // All of them or none.
    Result<void> put_values(AccountId account, const std::map<std::string, std::string>& values);
    Result<std::optional<std::string>> value(AccountId account, std::string_view key) const;
    Result<std::map<std::string, std::string>> values(AccountId account, std::string_view prefix)
        const;

    bool failed() const;

private:
    class Impl;
    explicit Ledger(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace siding::backfill

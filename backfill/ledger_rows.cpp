// The ledger's messages: reading them, and the batches that write them.
#include "backfill/ledger_batch.hpp"
#include "backfill/ledger_codec.hpp"
#include "base/check.hpp"
#include "base/log.hpp"

#include <fmt/format.h>

namespace siding::backfill {
namespace {

const Logger log{"backfill"};

Result<LedgerPage> read_page(
    const LedgerDatabase& database,
    const keys::EpochKey& of,
    std::uint64_t from_uid,
    std::size_t rows_max
) {
    LedgerPage page;
    Result<void> read{};
    SIDING_TRY(for_each_row(
        database,
        of,
        from_uid,
        [&](std::uint64_t uid, std::string_view stored) {
            if (page.rows.size() >= rows_max) {
                page.next_uid = uid;
                return false;
            }
            auto row = read_row(of, uid, stored);
            if (!row) {
                read = row.error();
                return false;
            }
            page.rows.push_back(std::move(*row));
            return true;
        }
    ));
    SIDING_TRY(read);
    return page;
}

}  // namespace

Result<CopyRecord> read_row(const keys::EpochKey& of, std::uint64_t uid, std::string_view stored) {
    auto row = decode_row(stored, uid, "");
    if (!row) {
        const std::string name = fmt::format(
            "of UID {} in mailbox {} of account {} in the backfill's ledger",
            uid,
            of.mailbox,
            of.account
        );
        return decode_row(stored, uid, name);
    }
    return row;
}

Result<std::optional<CopyRecord>> find_row(
    const LedgerDatabase& database, const keys::EpochKey& of, std::uint64_t uid
) {
    SIDING_ASSIGN(const auto stored, database.get(LedgerFamily::message, keys::message(of, uid)));
    if (!stored) {
        return std::nullopt;
    }
    SIDING_ASSIGN(CopyRecord row, read_row(of, uid, *stored));
    return row;
}

Result<void> for_each_row(
    const LedgerDatabase& database,
    const keys::EpochKey& of,
    std::uint64_t from_uid,
    const TakeRow& take
) {
    const auto rows =
        database.scan(LedgerFamily::message, keys::epoch(of), keys::message(of, from_uid));
    for (; rows->Valid(); rows->Next()) {
        const std::uint64_t uid = keys::tail_u64(rows->key().ToStringView());
        if (!take(uid, rows->value().ToStringView())) {
            break;
        }
    }
    if (!rows->status().ok()) {
        return database.read_error(rows->status(), "read of the ledger's rows");
    }
    return {};
}

void add_to(MailboxTotals& totals, const CopyRecord& row, int by) {
    const auto step = static_cast<std::uint64_t>(by);  // unsigned arithmetic wraps back
    std::uint64_t& messages = totals.messages[row.state];
    messages += step;
    if (messages == 0) {
        totals.messages.erase(row.state);
    }
    if (row.state == CopyState::copied) {
        totals.copied_octets += step * row.octets;
    }
}

Result<MailboxTotals> count_rows(const LedgerDatabase& database, const keys::EpochKey& of) {
    MailboxTotals totals;
    SIDING_TRY(for_each_row(database, of, 0, [&](std::uint64_t uid, std::string_view stored) {
        if (const auto row = decode_row(stored, uid, "")) {
            add_to(totals, *row, +1);
        }
        return true;
    }));
    return totals;
}

Result<MailboxTotals> read_totals(const LedgerDatabase& database, const keys::EpochKey& of) {
    SIDING_ASSIGN(const auto stored, database.get(LedgerFamily::records, keys::totals(of)));
    if (!stored) {
        return MailboxTotals{};
    }
    auto totals = decode_totals(*stored, "of totals in the backfill's ledger");
    if (!totals) {
        log.error("totals_counted", {{"record", totals.error().context}});
        return count_rows(database, of);
    }
    return totals;
}

Result<void> Ledger::record(
    AccountId account, const MailboxRecord& mailbox, std::span<const CopyRecord> rows
) {
    SIDING_CHECK(account != 0 && mailbox.id != 0, "a mailbox that the ledger has not given");
    const std::lock_guard lock{impl_->lock_of(account, mailbox.id)};
    LedgerBatch batch{*impl_->database, epoch_key(account, mailbox)};
    for (const CopyRecord& row : rows) {
        SIDING_TRY(batch.put(row));
    }
    batch.put(mailbox);
    return batch.write();
}

Result<std::optional<CopyRecord>> Ledger::find(
    AccountId account, const MailboxRecord& mailbox, std::uint64_t uid
) const {
    return find_row(*impl_->database, epoch_key(account, mailbox), uid);
}

Result<std::optional<CopyRecord>> Ledger::find_by_destination(
    AccountId account, const MailboxRecord& mailbox, std::uint64_t destination_uid
) const {
    const LedgerDatabase& database = *impl_->database;
    const keys::EpochKey of = epoch_key(account, mailbox);
    const auto found =
        database.scan(LedgerFamily::destination, keys::destination_prefix(of, destination_uid));
    for (; found->Valid(); found->Next()) {
        const std::uint64_t uid = keys::tail_u64(found->key().ToStringView());
        SIDING_ASSIGN(auto row, find_row(database, of, uid));
        if (row && row->destination_uid == destination_uid) {
            return row;
        }
    }
    if (!found->status().ok()) {
        return database.read_error(found->status(), "read of the ledger's destinations");
    }
    return std::nullopt;
}

Result<LedgerPage> Ledger::list(
    AccountId account, const MailboxRecord& mailbox, std::uint64_t from_uid, std::size_t rows_max
) const {
    return read_page(*impl_->database, epoch_key(account, mailbox), from_uid, rows_max);
}

Result<LedgerPage> Ledger::epoch_rows(
    AccountId account,
    const MailboxRecord& mailbox,
    std::string_view source_uid_validity,
    std::uint64_t from_uid,
    std::size_t rows_max
) const {
    const keys::EpochKey of{account, mailbox.id, keys::to_epoch(source_uid_validity)};
    return read_page(*impl_->database, of, from_uid, rows_max);
}

Result<std::vector<CopyRecord>> Ledger::intents(AccountId account, const MailboxRecord& mailbox)
    const {
    const LedgerDatabase& database = *impl_->database;
    const keys::EpochKey of = epoch_key(account, mailbox);
    std::vector<CopyRecord> rows;
    const auto found = database.scan(LedgerFamily::intent, keys::epoch(of));
    for (; found->Valid(); found->Next()) {
        const std::uint64_t uid = keys::tail_u64(found->key().ToStringView());
        SIDING_ASSIGN(auto row, find_row(database, of, uid));
        if (row && row->state == CopyState::intent) {
            rows.push_back(std::move(*row));
        }
    }
    if (!found->status().ok()) {
        return database.read_error(found->status(), "read of the ledger's intents");
    }
    return rows;
}

Result<MailboxTotals> Ledger::totals(AccountId account, const MailboxRecord& mailbox) const {
    return read_totals(*impl_->database, epoch_key(account, mailbox));
}

Result<std::vector<std::uint64_t>> Ledger::put_aside_corrupt(
    AccountId account, const MailboxRecord& mailbox
) {
    LedgerDatabase& database = *impl_->database;
    const keys::EpochKey of = epoch_key(account, mailbox);
    const std::lock_guard lock{impl_->lock_of(account, mailbox.id)};
    std::vector<std::uint64_t> uids;
    SIDING_TRY(for_each_row(database, of, 0, [&](std::uint64_t uid, std::string_view stored) {
        if (!decode_row(stored, uid, "")) {
            uids.push_back(uid);
        }
        return true;
    }));
    if (uids.empty()) {
        return uids;
    }
    LedgerBatch batch{database, of};
    for (const std::uint64_t uid : uids) {
        CopyRecord row;
        row.uid = uid;
        row.words = "what the ledger knew of it could not be read";
        SIDING_TRY(batch.put(row));
    }
    SIDING_TRY(batch.write());
    return uids;
}

}  // namespace siding::backfill

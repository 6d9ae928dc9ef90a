// The ledger's messages by what the source says of their identity.
#include "backfill/ledger_batch.hpp"
#include "backfill/ledger_codec.hpp"
#include "backfill/ledger_impl.hpp"

#include <fmt/format.h>

namespace siding::backfill {

Result<std::vector<Showing>> Ledger::showings(
    AccountId account, std::string_view email_id, std::size_t showings_max
) const {
    const LedgerDatabase& database = *impl_->database;
    std::vector<Showing> out;
    const auto found = database.scan(LedgerFamily::digest, keys::email_prefix(account, email_id));
    for (; found->Valid() && out.size() < showings_max; found->Next()) {
        const keys::DigestTail tail = keys::digest_tail(found->key().ToStringView());
        SIDING_ASSIGN(
            const auto stored,
            database.get(LedgerFamily::records, keys::mailbox(account, tail.mailbox))
        );
        const std::string name = fmt::format("of mailbox {} of account {}", tail.mailbox, account);
        SIDING_ASSIGN(
            MailboxRecord mailbox, decode_mailbox(stored.value_or(""), tail.mailbox, name)
        );
        if (keys::to_epoch(mailbox.source_uid_validity) != tail.epoch) {
            continue;
        }
        SIDING_ASSIGN(auto row, find_row(database, {account, tail.mailbox, tail.epoch}, tail.uid));
        if (row && row->state == CopyState::copied && row->email_id == email_id) {
            out.push_back({std::move(mailbox), std::move(*row)});
        }
    }
    if (!found->status().ok()) {
        return database.read_error(found->status(), "read of the ledger's digests");
    }
    return out;
}

}  // namespace siding::backfill

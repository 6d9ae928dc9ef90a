// MailboxPass: a mailbox of the archive to the destination. The same ledger rows, intents and
// batches as for a copy, so that nothing is uploaded twice.
#include "backfill/archive_reader.hpp"
#include "backfill/limits.hpp"
#include "backfill/mailbox_pass.hpp"
#include "net/run_on.hpp"

#include <utility>

namespace siding::backfill {

using net::awaitable;

awaitable<Result<void>> MailboxPass::restore(const Pair& pair, const Archived& archived) {
    pair_ = &pair;
    archived_ = &archived;
    seen_.name = row_.source;
    seen_.uid_validity = archived.uid_validity;
    if (record_.source_uid_validity != seen_.uid_validity) {
        SIDING_CO_TRY(co_await begin_epoch());
    }
    const std::string before = record_.destination_uid_validity;
    SIDING_CO_TRY(co_await open_destination());
    SIDING_CO_TRY(co_await settle_intents());
    SIDING_CO_ASSIGN(const ImapSet known, co_await recorded(1));
    ImapSet uids = archived.messages.uids().minus(archived.messages.gone());
    const std::uint64_t all = uids.count();
    uids = uids.minus(known);
    uids.add(again_);
    // Of another mailbox of the same name: what was not found in it goes again.
    const bool is_other = !before.empty() && before != record_.destination_uid_validity;
    SIDING_CO_ASSIGN(const ImapSet anew, co_await to_restore_anew(is_other));
    uids.add(anew.both(archived.messages.uids()));
    if (!uids.empty()) {
        if ((record_.pass == 0 && adoptable_.empty()) || must_learn_) {
            SIDING_CO_TRY(co_await learn_destination());
        }
        counts_.to_copy = uids.count();
        PassCounts first;
        first.to_copy = counts_.to_copy;
        account_.on_progress(first);
        SIDING_CO_TRY(co_await transfer(std::move(uids), false));
    }
    record_.pass = account_.pass;
    record_.messages = all;
    auto put = co_await put_record();
    co_return put;
}

// What the archive could not give, and with `unbound` what is at the destination under no UID that
// we know.
awaitable<Result<ImapSet>> MailboxPass::to_restore_anew(bool unbound) {
    auto walk = [this, unbound]() -> Result<ImapSet> {
        ImapSet set;
        for (std::uint64_t at = 1; at != 0;) {
            SIDING_ASSIGN(
                const LedgerPage page,
                account_.ledger.list(account_.id, record_, at, limits::ledger_page_rows)
            );
            for (const CopyRecord& row : page.rows) {
                const bool is_unbound = row.state == CopyState::copied && row.destination_uid == 0;
                if (row.state == CopyState::unreadable || (unbound && is_unbound)) {
                    set.add(row.uid);
                }
            }
            at = page.next_uid;
        }
        return set;
    };
    auto set = co_await net::run_on(account_.blocking, walk);
    co_return set;
}

// The other end of the queue, as fetch().
awaitable<void> MailboxPass::fetch_archived(
    MailboxPass& self, ImapSet uids, MessageQueue& queue, Result<void>& outcome
) {
    ArchiveReader::Needs needs{
        self.archived_->store,
        self.archived_->messages,
        self.account_.blocking,
        self.account_.spool,
    };
    ArchiveReader reader{std::move(needs), std::move(uids)};
    outcome = not_at_its_end();
    for (;;) {
        auto message = co_await reader.next();
        if (!message) {
            outcome = std::move(message).error();
            break;
        }
        if (!*message) {
            outcome = co_await self.note_unreadable(reader.unread());
            break;
        }
        auto mended = co_await self.mend(**message);
        if (!mended) {
            outcome = std::move(mended).error();
            break;
        }
        const std::uint64_t octets = (*message)->octets;
        const bool taken = co_await queue.push(std::move(**message));
        if (!taken) {
            break;
        }
        co_await self.account_.pace.on_message(octets);
        co_await self.account_.pace.carry(octets);
        if (!self.account_.pace.check() && self.account_.pace.may_finish()) {
            self.has_stopped_ = true;
            break;
        }
    }
    queue.end();
}

}  // namespace siding::backfill

// MailboxPass: what has happened at the source to messages that are known.
#include "backfill/limits.hpp"
#include "backfill/mailbox_pass.hpp"
#include "net/run_on.hpp"

#include <algorithm>
#include <utility>

namespace siding::backfill {

using net::awaitable;

// With CONDSTORE the source says whose flags have changed, and with QRESYNC what is gone.
awaitable<Result<void>> MailboxPass::ask_changes() {
    changes_.reset();
    if (record_.modseq == 0 || seen_.modseq == 0) {
        co_return Result<void>{};
    }
    ImapSession::Changes changes;
    if (record_.modseq != seen_.modseq) {
        SIDING_CO_ASSIGN(const std::uint64_t behind, co_await behind_last_row());
        const std::uint64_t last = std::max<std::uint64_t>(behind, 1) - 1;
        SIDING_CO_ASSIGN(changes, co_await source().changes(record_.modseq, last));
    }
    changes_ = std::move(changes);
    co_return Result<void>{};
}

// A pass over a window, or one that was interrupted, has left rows behind copied_below.
awaitable<Result<std::uint64_t>> MailboxPass::behind_last_row() {
    auto look = [this]() -> Result<std::uint64_t> {
        SIDING_ASSIGN(
            const LedgerPage page,
            account_.ledger.list(
                account_.id, record_, std::max<std::uint64_t>(record_.copied_below, 1), 1
            )
        );
        return page.rows.empty() ? record_.copied_below
                                 : std::max(record_.copied_below, seen_.uid_next);
    };
    auto behind = co_await net::run_on(account_.blocking, look);
    co_return behind;
}

// UIDs from `from` on that have a row.
awaitable<Result<ImapSet>> MailboxPass::recorded(std::uint64_t from) {
    auto walk = [this, from]() -> Result<ImapSet> {
        ImapSet set;
        for (std::uint64_t at = std::max<std::uint64_t>(from, 1); at != 0;) {
            SIDING_ASSIGN(
                const LedgerPage page,
                account_.ledger.list(account_.id, record_, at, limits::ledger_page_rows)
            );
            for (const CopyRecord& row : page.rows) {
                if (!row.is_gone_at_source) {
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

// Expunged at the source: when there are fewer messages than the old and the new ones together.
// What VANISHED says is believed as far as the numbers agree with it: servers are known that leave
// some out.
awaitable<Result<void>> MailboxPass::find_gone() {
    SIDING_CO_ASSIGN(const ImapSet fresh, co_await source().uids(record_.copied_below));
    const std::uint64_t before = record_.messages + fresh.count();
    if (before == seen_.messages) {
        co_return Result<void>{};
    }
    ImapSet gone;
    if (changes_ && !changes_->vanished.empty()) {
        SIDING_CO_ASSIGN(gone, co_await recorded(changes_->vanished.first()));
        gone = gone.both(changes_->vanished);
    }
    if (gone.count() + seen_.messages != before) {
        SIDING_CO_ASSIGN(const ImapSet there, co_await source().uids(1));
        SIDING_CO_ASSIGN(gone, co_await recorded(1));
        gone = gone.minus(there);
    }
    counts_.gone = gone.count();
    auto marked = co_await mark_gone(std::move(gone));
    co_return marked;
}

awaitable<Result<void>> MailboxPass::mark_gone(ImapSet gone) {
    auto mark = [this, &gone]() -> Result<void> {
        if (!gone.empty()) {  // they may be in another mailbox now, whoever comes to look for them
            SIDING_TRY(account_.ledger.put_value(account_.id, gone_key, "yes"));
        }
        for (std::uint64_t at = gone.empty() ? 0 : gone.first(); at != 0 && at <= gone.last();) {
            SIDING_ASSIGN(
                LedgerPage page,
                account_.ledger.list(account_.id, record_, at, limits::ledger_page_rows)
            );
            at = page.next_uid;
            std::erase_if(page.rows, [&gone](const CopyRecord& row) {
                return row.is_gone_at_source || !gone.contains(row.uid);
            });
            for (CopyRecord& row : page.rows) {
                row.is_gone_at_source = true;
                if (row.state == CopyState::refused || row.state == CopyState::unreadable) {
                    row.state = CopyState::skipped;  // nobody can copy it any more
                    row.words = "expunged at the source before it was copied: " + row.words;
                }
            }
            if (!page.rows.empty()) {
                SIDING_TRY(account_.ledger.record(account_.id, record_, page.rows));
            }
        }
        return {};
    };
    auto marked = co_await net::run_on(account_.blocking, mark);
    co_return marked;
}

}  // namespace siding::backfill

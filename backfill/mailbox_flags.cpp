// MailboxPass: flags that have changed at the source since the last pass.
#include "backfill/flag_merge.hpp"
#include "backfill/flags.hpp"
#include "backfill/limits.hpp"
#include "backfill/mailbox_pass.hpp"
#include "net/run_on.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <map>
#include <utility>

namespace siding::backfill {
namespace {

using net::awaitable;

using FlagsByUid = std::map<std::uint64_t, std::vector<std::string>>;

ImapSession::Each note_in(FlagsByUid& flags) {
    return [&flags](const FetchItem& item) {
        if (item.uid && item.flags) {
            flags[*item.uid] = *item.flags;
        }
    };
}

}  // namespace

// With CONDSTORE the source says what has changed (RFC 7162 §3.1.4.1); without it all flags are
// compared, a page of rows at a time.
awaitable<Result<void>> MailboxPass::bring_flags() {
    const bool counts_changes = record_.modseq > 0 && seen_.modseq > 0;
    if (counts_changes && record_.modseq == seen_.modseq) {
        co_return Result<void>{};
    }
    if (!counts_changes && !account_.compare_all_flags) {
        co_return Result<void>{};
    }
    ImapSet changed;
    if (counts_changes) {
        SIDING_CO_ASSIGN(const std::uint64_t behind, co_await behind_last_row());
        if (behind <= 1) {
            co_return Result<void>{};
        }
        const ImapSet all{1, behind - 1};
        const std::string items = fmt::format("(UID FLAGS) (CHANGEDSINCE {})", record_.modseq);
        ImapSession::Each note = [&changed](const FetchItem& item) {
            if (item.uid && item.flags) {
                changed.add(*item.uid);
            }
        };
        SIDING_CO_TRY(co_await source().fetch(all, items, note));
        if (changed.empty()) {
            co_return Result<void>{};
        }
    }
    for (std::uint64_t at = 1; at != 0;) {
        auto read = [this, at] {
            return account_.ledger.list(account_.id, record_, at, limits::ledger_page_rows);
        };
        SIDING_CO_ASSIGN(LedgerPage page, co_await net::run_on(account_.blocking, read));
        at = page.next_uid;
        std::erase_if(page.rows, [&](const CopyRecord& row) {
            const bool is_asked = !counts_changes || changed.contains(row.uid);
            return !is_asked || row.is_gone_at_source || row.state != CopyState::copied ||
                   row.destination_uid == 0;
        });
        if (!page.rows.empty()) {
            SIDING_CO_TRY(co_await compare_flags(std::move(page.rows)));
        }
    }
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

awaitable<Result<void>> MailboxPass::compare_flags(std::vector<CopyRecord> rows) {
    ImapSet uids;
    for (const CopyRecord& row : rows) {
        uids.add(row.uid);
    }
    FlagsByUid now;
    ImapSession::Each note = note_in(now);
    SIDING_CO_TRY(co_await source().fetch(uids, "(UID FLAGS)", note));
    std::vector<CopyRecord> changed;
    std::vector<std::vector<std::string>> wanted;
    for (CopyRecord& row : rows) {
        const auto found = now.find(row.uid);
        if (found != now.end() && normal_flags(found->second) != row.flags) {
            changed.push_back(std::move(row));
            wanted.push_back(std::move(found->second));
        }
    }
    if (changed.empty()) {
        co_return Result<void>{};
    }
    auto applied = co_await apply_flags(std::move(changed), std::move(wanted));
    co_return applied;
}

// Three ways: what the source has changed since the last time, without what the destination's user
// has done meanwhile.
awaitable<Result<void>> MailboxPass::apply_flags(
    std::vector<CopyRecord> rows, std::vector<std::vector<std::string>> wanted
) {
    SIDING_CO_TRY(co_await open_destination());
    ImapSet uids;
    for (const CopyRecord& row : rows) {
        uids.add(row.destination_uid);
    }
    FlagsByUid there;
    ImapSession::Each note = note_in(there);
    SIDING_CO_TRY(co_await destination().fetch(uids, "(UID FLAGS)", note));
    PermanentFlags permanent;
    if (destination().mailbox()->permanent_flags) {
        permanent = PermanentFlags{*destination().mailbox()->permanent_flags};
    }
    std::map<std::vector<std::string>, ImapSet> add;
    std::map<std::vector<std::string>, ImapSet> remove;
    std::vector<CopyRecord> settled;
    for (std::size_t at = 0; at < rows.size(); ++at) {
        CopyRecord& row = rows[at];
        const auto found = there.find(row.destination_uid);
        if (found == there.end()) {
            continue;  // deleted there
        }
        FlagSides sides;
        sides.base = row.flags;
        sides.source = std::move(wanted[at]);
        sides.destination = found->second;
        FlagChange change = merge_flags(sides, FlagWinner::destination);
        const auto fit = fit_flags(change.add, permanent).flags;
        if (!fit.empty()) {
            add[fit].add(row.destination_uid);
        }
        if (!change.remove.empty()) {
            remove[change.remove].add(row.destination_uid);
        }
        counts_.flags += change.is_empty() ? 0 : 1;
        row.flags = std::move(change.base);
        settled.push_back(std::move(row));
    }
    for (auto& [flags, set] : add) {
        SIDING_CO_TRY(co_await store_flags("+FLAGS.SILENT", flags, set));
    }
    for (auto& [flags, set] : remove) {
        SIDING_CO_TRY(co_await store_flags("-FLAGS.SILENT", flags, set));
    }
    auto written = co_await write(std::move(settled));
    co_return written;
}

awaitable<Result<void>> MailboxPass::store_flags(
    std::string item, std::vector<std::string> flags, ImapSet uids
) {
    for (const std::string& part : uids.split()) {
        ImapCommand command{"UID STORE"};
        command.set(part).raw(item).flags(flags);
        SIDING_CO_TRY(co_await destination().run(std::move(command), ImapStage::store));
    }
    co_return Result<void>{};
}

}  // namespace siding::backfill

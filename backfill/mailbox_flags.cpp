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

// Where the source does not tell whose have changed, all are compared, a page of rows at a time.
awaitable<Result<void>> MailboxPass::bring_flags() {
    if (changes_ ? changes_->flags.empty() : !account_.compare_all_flags) {
        co_return Result<void>{};
    }
    for (std::uint64_t at = 1; at != 0;) {
        auto read = [this, at] {
            return account_.ledger.list(account_.id, record_, at, limits::ledger_page_rows);
        };
        SIDING_CO_ASSIGN(LedgerPage page, co_await net::run_on(account_.blocking, read));
        at = page.next_uid;
        std::erase_if(page.rows, [&](const CopyRecord& row) {
            const bool is_asked = !changes_ || changes_->flags.contains(row.uid);
            return !is_asked || row.is_gone_at_source || row.state != CopyState::copied ||
                   row.destination_uid == 0;
        });
        if (!page.rows.empty()) {
            SIDING_CO_TRY(co_await compare_flags(std::move(page.rows)));
        }
    }
    co_return Result<void>{};
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
    const std::string numbered = record_.destination_uid_validity;
    SIDING_CO_TRY(co_await open_destination());
    if (numbered != record_.destination_uid_validity) {
        SIDING_CO_TRY(co_await read_again(rows));
    }
    ImapSet uids;
    for (const CopyRecord& row : rows) {
        if (row.destination_uid != 0) {
            uids.add(row.destination_uid);
        }
    }
    if (uids.empty()) {
        co_return Result<void>{};
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
        if (row.destination_uid == 0 || found == there.end()) {
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

// The destination has numbered its messages anew meanwhile: rows have other UIDs, or none, and that
// is what their flags stand for.
awaitable<Result<void>> MailboxPass::read_again(std::vector<CopyRecord>& rows) {
    auto read = [this, &rows]() -> Result<void> {
        for (CopyRecord& row : rows) {
            SIDING_ASSIGN(auto now, account_.ledger.find(account_.id, record_, row.uid));
            row.destination_uid = now ? now->destination_uid : 0;
        }
        return {};
    };
    SIDING_CO_TRY(co_await net::run_on(account_.blocking, read));
    co_return Result<void>{};
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

#include "backfill/showing_copy.hpp"

#include "backfill/flags.hpp"
#include "backfill/limits.hpp"
#include "base/log.hpp"
#include "net/run_on.hpp"

#include <algorithm>
#include <deque>
#include <map>
#include <utility>

namespace siding::backfill {
namespace {

using net::awaitable;

const Logger log{"backfill"};

}  // namespace

awaitable<Result<ImapSet>> ShowingCopy::copy(std::vector<Shown> shown) {
    ImapSet failed;
    std::ranges::sort(shown, {}, [](const Shown& each) {
        return std::pair{each.mailbox, each.destination_uid};
    });
    for (std::size_t at = 0; at < shown.size();) {
        std::vector<Shown> part;
        while (at < shown.size() && part.size() < limits::fetch_range_messages_max &&
               (part.empty() || part.front().mailbox == shown[at].mailbox)) {
            part.push_back(std::move(shown[at++]));
        }
        auto make = [this, &part] { return make_group(std::move(part)); };
        SIDING_CO_ASSIGN(Group group, co_await net::run_on(pass_.account_.blocking, make));
        SIDING_CO_TRY(co_await copy_group(std::move(group), failed));
    }
    co_return failed;
}

// Blocks.
Result<ShowingCopy::Group> ShowingCopy::make_group(std::vector<Shown> shown) const {
    Group group;
    SIDING_ASSIGN(auto mailboxes, pass_.account_.ledger.mailboxes(pass_.account_.id));
    for (MailboxRecord& mailbox : mailboxes) {
        if (mailbox.id == shown.front().mailbox) {
            group.mailbox = std::move(mailbox);
        }
    }
    for (Shown& each : shown) {
        SIDING_ASSIGN(
            const auto row, pass_.account_.ledger.find(pass_.account_.id, group.mailbox, each.row)
        );
        CopyRecord intent;
        if (row) {
            Facts facts;
            facts.uid = each.uid;
            facts.flags = each.flags.value_or(row->flags);
            intent = make_row(*row, facts);
        }
        intent.uid = each.uid;
        intent.state = CopyState::intent;
        intent.destination_uid = pass_.lowest_unbound_;
        group.rows.push_back(std::move(intent));
        group.shown.push_back(std::move(each));
    }
    return group;
}

// An intent stands in the ledger before the COPY, as before an APPEND: a crash between the two is
// settled by octets.
awaitable<Result<void>> ShowingCopy::copy_group(Group group, ImapSet& failed) {
    std::vector<std::uint64_t> uids;
    ImapSet mine;
    for (const Shown& each : group.shown) {
        uids.push_back(each.destination_uid);
        mine.add(each.uid);
    }
    std::vector<CopyRecord> intents = group.rows;
    SIDING_CO_TRY(co_await pass_.write(std::move(intents)));
    ImapSession& session = pass_.destination();
    auto opened = co_await session.select(group.mailbox.destination);
    if (!opened && session.is_over()) {
        co_return opened;
    }
    const bool is_same =
        opened && session.mailbox()->uid_validity == group.mailbox.destination_uid_validity;
    std::optional<CopyUid> told;
    bool was_asked = false;
    if (is_same) {
        ImapCommand command{"UID COPY"};
        command.set(ImapSet::of(uids));
        session.add_mailbox(command, pass_.record_.destination);
        auto copied = co_await session.run_copy(std::move(command));
        if (!copied && (session.trouble() == Trouble::throttled || session.is_over())) {
            co_return std::move(copied).error();
        }
        was_asked = copied.has_value();
        if (copied) {
            told = std::move(*copied);
        } else {
            log.info(
                "not_copied_at_destination",
                {{"mailbox", pass_.record_.source},
                 {"messages", group.shown.size()},
                 {"reason", copied.error()}}
            );
        }
    }
    SIDING_CO_TRY(co_await session.select(pass_.record_.destination));
    if (was_asked) {
        SIDING_CO_TRY(co_await settle(group, told));
    }
    for (const CopyRecord& row : group.rows) {
        if (row.state == CopyState::copied) {
            mine = mine.minus(ImapSet{row.uid, row.uid});
        }
    }
    failed.add(mine);
    auto stored = co_await store_flags(group);
    co_return stored;
}

// RFC 4315 §3: the n-th UID of the one list has become the n-th of the other. Servers are known
// that give them in another order.
bool ShowingCopy::is_believed(const CopyUid& told) const {
    return told.uid_validity == pass_.record_.destination_uid_validity &&
           std::ranges::is_sorted(told.source) && std::ranges::is_sorted(told.destination) &&
           !told.destination.empty() && told.destination.front() >= pass_.lowest_unbound_;
}

// Rows whose message is there now are `copied`; the others stay intents.
awaitable<Result<void>> ShowingCopy::settle(Group& group, const std::optional<CopyUid>& told) {
    if (told && is_believed(*told)) {
        std::map<std::uint64_t, std::deque<std::uint64_t>> became;
        for (std::size_t at = 0; at < told->source.size(); ++at) {
            became[told->source[at]].push_back(told->destination[at]);
        }
        std::vector<CopyRecord> copied;
        for (std::size_t at = 0; at < group.rows.size(); ++at) {
            auto& uids = became[group.shown[at].destination_uid];
            if (!uids.empty()) {
                group.rows[at].state = CopyState::copied;
                group.rows[at].destination_uid = uids.front();
                uids.pop_front();
                copied.push_back(group.rows[at]);
            }
        }
        auto written = co_await pass_.write(std::move(copied));
        co_return written;
    }
    // Copied or not, it has not said: what is there is looked at.
    const ImapSet again = std::exchange(pass_.again_, {});
    MailboxPass::Sought rows;
    for (const CopyRecord& row : group.rows) {
        pass_.again_.add(row.uid);
        rows.add(row);
    }
    auto bound = co_await pass_.bind(std::move(rows), pass_.lowest_unbound_);
    for (CopyRecord& row : group.rows) {
        if (bound && !pass_.again_.contains(row.uid)) {
            row.state = CopyState::copied;
            row.destination_uid = 0;  // in the ledger it is
        }
    }
    pass_.again_ = again;
    co_return bound;
}

awaitable<Result<void>> ShowingCopy::store_flags(const Group& group) {
    PermanentFlags permanent;
    if (pass_.destination().mailbox()->permanent_flags) {
        permanent = PermanentFlags{*pass_.destination().mailbox()->permanent_flags};
    }
    std::map<std::vector<std::string>, ImapSet> wanted;
    for (std::size_t at = 0; at < group.rows.size(); ++at) {
        const CopyRecord& row = group.rows[at];
        if (row.state != CopyState::copied) {
            continue;
        }
        pass_.on_row(row);
        if (group.shown[at].flags && row.destination_uid != 0) {
            wanted[fit_flags(row.flags, permanent).flags].add(row.destination_uid);
        }
    }
    for (auto& [flags, uids] : wanted) {
        SIDING_CO_TRY(co_await pass_.store_flags("FLAGS.SILENT", flags, uids));
    }
    co_return Result<void>{};
}

}  // namespace siding::backfill

#include "control/backfill_documents.hpp"

#include "backfill/acl_copy.hpp"
#include "backfill/direct_arrivals.hpp"
#include "backfill/limits.hpp"
#include "backfill/verifier.hpp"
#include "control/backfill_pace_documents.hpp"
#include "control/backfill_proof_api.hpp"
#include "control/json.hpp"

#include <boost/json/array.hpp>

#include <algorithm>
#include <utility>

namespace siding::control {
namespace {

namespace json = boost::json;

std::string_view state_text(backfill::CopyState state) {
    using backfill::CopyState;
    switch (state) {
    case CopyState::intent:
        return "in_doubt";
    case CopyState::copied:
        return "copied";
    case CopyState::refused:
        return "refused";
    case CopyState::unreadable:
        return "unreadable";
    case CopyState::skipped:
        return "in_another_folder";
    case CopyState::deleted:
        return "deleted";
    }
    return "in_doubt";
}

json::array problems_json(const std::vector<backfill::AccountsProblem>& problems) {
    json::array out;
    for (const auto& problem : problems) {
        out.push_back(json_text(problem.text()));
    }
    return out;
}

bool is_exception(const backfill::CopyRecord& row) {
    using backfill::CopyState;
    if (row.is_gone_at_source) {
        return false;
    }
    const bool is_settled = row.state == CopyState::copied || row.state == CopyState::skipped ||
                            row.state == CopyState::deleted;
    return !is_settled || (!row.verdict.empty() && !backfill::is_good_verdict(row.verdict));
}

json::object exception_json(const std::string& mailbox, const backfill::CopyRecord& row) {
    return {
        {"mailbox", json_text(mailbox)},
        {"uid", row.uid},
        {"state", state_text(row.state)},
        {"verdict", json_text(row.verdict)},
        {"date", json_text(row.internal_date)},
        {"subject", json_text(row.subject)},
        {"octets", row.octets},
        {"destination_uid", row.destination_uid},
        {"reason", json_text(row.words)},
        {"archived", row.is_archived},
        {"may_help", json_text(row.state == backfill::CopyState::refused ? row.may_help : "")},
    };
}

struct Walk {
    json::array exceptions;
    std::size_t left_out = 0;
    std::size_t exceptions_max = 0;
    std::map<std::string, std::uint64_t> verdicts;
};

Result<void> walk_mailbox(
    backfill::Ledger& ledger,
    backfill::AccountId account,
    const backfill::MailboxRecord& mailbox,
    Walk& walk
) {
    for (std::uint64_t at = 1; at != 0;) {
        SIDING_ASSIGN(
            const backfill::LedgerPage page,
            ledger.list(account, mailbox, at, limits::ledger_page_rows)
        );
        for (const backfill::CopyRecord& row : page.rows) {
            if (!row.verdict.empty() && !row.is_gone_at_source) {
                ++walk.verdicts[row.verdict];
            }
            if (!is_exception(row)) {
                continue;
            }
            if (walk.exceptions.size() < walk.exceptions_max) {
                walk.exceptions.push_back(exception_json(mailbox.source, row));
            } else {
                ++walk.left_out;
            }
        }
        at = page.next_uid;
    }
    return {};
}

}  // namespace

json::object render_account(const backfill::AccountStatus& status) {
    json::object verdicts;
    for (const auto& [verdict, messages] : status.verdicts) {
        verdicts[verdict] = messages;
    }
    const backfill::PassCounts& counts = status.counts;
    return {
        {"name", json_text(status.name)},
        {"phase", backfill::to_text(status.phase)},
        {"reason", json_text(status.words)},
        {"pass", status.pass},
        {"mailbox", json_text(status.mailbox)},
        {"mailboxes", status.mailboxes},
        {"mailboxes_done", status.mailboxes_done},
        {"to_copy", counts.to_copy},
        {"copied", counts.copied},
        {"octets", counts.octets},
        {"moved", counts.moved},
        {"flags", counts.flags},
        {"gone", counts.gone},
        {"refused", counts.refused},
        {"unreadable", counts.unreadable},
        {"source_messages", status.source_messages},
        {"source_octets", status.source_octets},
        {"known_messages", status.known_messages},
        {"known_refused", status.known_refused},
        {"known_unreadable", status.known_unreadable},
        {"clean", status.is_clean},
        {"window", json_text(status.window)},
        {"final_at", json_time(status.final_at)},
        {"watch", json_text(status.watch)},
        {"verdicts", std::move(verdicts)},
        {"verification", render_verification(status.verification.get(), Extras::counted)},
        {"canary", render_canary(status.canary.get())},
        {"started_at", json_time(status.started_at)},
        {"ended_at", json_time(status.ended_at)},
    };
}

json::object render_backfill(const backfill::Backfill& backfill) {
    json::array accounts;
    const std::vector<backfill::AccountStatus> statuses = backfill.status();
    for (const auto& status : statuses) {
        json::object account = render_account(status);
        add_pace(account, backfill, status);
        accounts.push_back(std::move(account));
    }
    const auto standing = backfill.standing();
    json::object document{
        {"paused", standing.paused},
        {"following", standing.following},
        {"problems", problems_json(backfill.problems())},
        {"warnings", problems_json(backfill.warnings())},
        {"accounts", std::move(accounts)},
    };
    add_pace(document, backfill, statuses);
    return document;
}

json::object render_plan(const backfill::FolderPlan& plan) {
    json::array rows;
    for (const auto& row : plan.rows) {
        rows.push_back(json::object{
            {"source", json_text(row.source)},
            {"destination", json_text(row.destination)},
            {"action", backfill::format_action(row.action)},
            {"messages", row.messages},
            {"octets", row.octets},
            {"subscribe", row.subscribe},
            {"why", json_text(row.why)},
        });
    }
    json::array notes;
    for (const std::string& note : plan.notes) {
        notes.push_back(json_text(note));
    }
    return {
        {"account", json_text(plan.account)},
        {"rows", std::move(rows)},
        {"notes", std::move(notes)},
        {"yaml", json_text(backfill::format_plan(plan))},
    };
}

Result<json::object> make_report(
    backfill::Ledger& ledger, const std::string& account, std::size_t exceptions_max
) {
    SIDING_ASSIGN(const auto record, ledger.account(account));
    SIDING_ASSIGN(const auto mailboxes, ledger.mailboxes(record.id));
    Walk walk;
    walk.exceptions_max = exceptions_max;
    json::array listed;
    for (const backfill::MailboxRecord& mailbox : mailboxes) {
        SIDING_ASSIGN(const auto totals, ledger.totals(record.id, mailbox));
        json::object messages;
        for (const auto& [state, count] : totals.messages) {
            messages[state_text(state)] = count;
        }
        listed.push_back(json::object{
            {"source", json_text(mailbox.source)},
            {"destination", json_text(mailbox.destination)},
            {"pass", mailbox.pass},
            {"source_messages", mailbox.messages},
            {"messages", std::move(messages)},
            {"copied_octets", totals.copied_octets},
        });
        SIDING_TRY(walk_mailbox(ledger, record.id, mailbox, walk));
    }
    json::object verdicts;
    for (const auto& [verdict, count] : walk.verdicts) {
        verdicts[verdict] = count;
    }
    SIDING_ASSIGN(const auto arrivals, backfill::direct_arrivals(ledger, record.id));
    SIDING_ASSIGN(const auto verification, backfill::last_verification(ledger, record.id));
    json::array direct;
    for (const backfill::DirectArrival& arrival : arrivals) {
        direct.push_back(json::object{
            {"mailbox", json_text(arrival.mailbox)},
            {"uid", arrival.uid},
            {"date", json_text(arrival.date)},
            {"from", json_text(arrival.from)},
            {"received", json_text(arrival.received)},
        });
    }
    SIDING_ASSIGN(const auto notes, backfill::acl_notes(ledger, record.id));
    json::array acls;
    for (const backfill::AclNote& note : notes) {
        acls.push_back(json::object{
            {"mailbox", json_text(note.mailbox)}, {"reason", json_text(note.words)}});
    }
    return json::object{
        {"account", json_text(account)},
        {"direct_arrivals", std::move(direct)},
        {"acls", std::move(acls)},
        {"pass", record.pass},
        {"phase", json_text(record.phase)},
        {"reason", json_text(record.words)},
        {"changed_at", json_time(record.changed_at)},
        {"mailboxes", std::move(listed)},
        {"verdicts", std::move(verdicts)},
        {"verification",
         render_verification(verification ? &*verification : nullptr, Extras::listed)},
        {"exceptions", std::move(walk.exceptions)},
        {"exceptions_left_out", walk.left_out},
    };
}

}  // namespace siding::control

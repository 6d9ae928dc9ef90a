#include "backfill/recent_messages.hpp"

#include "backfill/imap_ear.hpp"
#include "backfill/internal_date.hpp"
#include "backfill/limits.hpp"

#include <chrono>
#include <fmt/format.h>
#include <optional>
#include <utility>

namespace siding::backfill {
namespace {

using net::awaitable;

// Servers take the day of a date in one zone or another: so near to the edge none is believed less.
constexpr std::chrono::hours edge = std::chrono::hours{48};

// RFC 9051 §9 date: "1-Feb-2024".
std::string day_of(WallTime time) {
    const std::string text =
        format_internal_date({std::chrono::floor<std::chrono::days>(time), {}});
    const std::size_t first = text.find_first_not_of(' ');
    return text.substr(first, text.find(' ', first) - first);
}

struct Question {
    std::string mailbox;
    ImapTag examine;
    ImapTag search;
    ImapTag ends;  // of the oldest and the newest message
    std::uint64_t messages = 0;
    ImapSet found;
    std::vector<FetchItem> seen;
};

std::optional<WallTime> date_of(const FetchItem& item) {
    if (!item.internal_date) {
        return std::nullopt;
    }
    const auto date = parse_internal_date(*item.internal_date);
    return date ? std::optional<WallTime>{date->time} : std::nullopt;
}

// Servers are known whose SEARCH finds nothing (Mailutils): its answer must fit the dates of the
// oldest and the newest message.
bool is_plausible(const Question& question, WallTime since) {
    for (const FetchItem& item : question.seen) {
        const auto date = date_of(item);
        if (!date || !item.uid) {
            continue;
        }
        const bool is_found = question.found.contains(*item.uid);
        if ((*date >= since + edge && !is_found) || (*date < since - edge && is_found)) {
            return false;
        }
    }
    return !question.seen.empty();
}

awaitable<Result<void>> ask(
    ImapSession& session, std::vector<Question>& questions, WallTime since
) {
    const std::string search = fmt::format(
        "{}SINCE {}", session.capabilities().esearch() ? "RETURN (ALL) " : "", day_of(since)
    );
    for (Question& question : questions) {
        ImapCommand examine{"EXAMINE"};
        session.add_mailbox(examine, question.mailbox);
        SIDING_CO_ASSIGN(question.examine, co_await session.connection().start(std::move(examine)));
        ImapCommand find{"UID SEARCH"};
        find.raw(search);
        SIDING_CO_ASSIGN(question.search, co_await session.connection().start(std::move(find)));
        ImapCommand ends{"FETCH"};
        ends.raw("1,* (UID INTERNALDATE)");
        SIDING_CO_ASSIGN(question.ends, co_await session.connection().start(std::move(ends)));
    }
    co_return session.connection().flush();
}

// By FETCH, message by message: dear, and true.
awaitable<Result<ImapSet>> recent_by_date(
    ImapSession& session, std::string mailbox, WallTime since
) {
    ImapSet found;
    ImapCommand examine{"EXAMINE"};
    session.add_mailbox(examine, mailbox);
    SIDING_CO_ASSIGN(const auto opened, co_await session.connection().run(std::move(examine)));
    if (!opened.is_ok()) {
        co_return found;
    }
    Ear ear{session, [&found, since](const ImapResponse& response) {
                const auto item = fetch_item(response);
                const auto date = item ? date_of(*item) : std::nullopt;
                if (date && item->uid && *date >= since) {
                    found.add(*item->uid);
                }
            }};
    ImapCommand fetch{"UID FETCH"};
    fetch.raw("1:* (UID INTERNALDATE)");
    SIDING_CO_TRY(co_await session.connection().run(std::move(fetch)));
    co_return found;
}

void take(Question& question, const ImapResponse& response) {
    if (response.is_data("EXISTS") && response.number) {
        question.messages = *response.number;
    } else if (const auto result = search_result(response)) {
        question.found.add(result->all);
    } else if (auto item = fetch_item(response)) {
        question.seen.push_back(std::move(*item));
    }
}

awaitable<Result<void>> find_some(
    ImapSession& session,
    std::vector<Question>& questions,
    WallTime since,
    std::map<std::string, RecentMessages>& recent
) {
    std::size_t at = 0;  // whose answers come in
    std::vector<Question*> doubtful;
    {
        Ear ear{session, [&](const ImapResponse& response) {
                    while (at < questions.size() && !questions[at].ends.empty() &&
                           session.connection().is_answered(questions[at].ends)) {
                        ++at;
                    }
                    if (at < questions.size()) {
                        take(questions[at], response);
                    }
                }};
        SIDING_CO_TRY(co_await ask(session, questions, since));
        while (!session.connection().is_answered(questions.back().ends)) {
            SIDING_CO_TRY(co_await session.connection().step());
        }
    }
    for (Question& question : questions) {
        SIDING_CO_ASSIGN(const auto opened, co_await session.connection().answer(question.examine));
        SIDING_CO_ASSIGN(const auto found, co_await session.connection().answer(question.search));
        SIDING_CO_ASSIGN(const auto ends, co_await session.connection().answer(question.ends));
        RecentMessages& entry = recent[question.mailbox];
        if (!opened.is_ok()) {
            continue;
        }
        if (!found.is_ok() || !ends.is_ok() || !is_plausible(question, since)) {
            doubtful.push_back(&question);
            continue;
        }
        entry.is_all = question.found.count() >= question.messages;
        entry.uids = std::move(question.found);
    }
    for (Question* question : doubtful) {
        RecentMessages& entry = recent[question->mailbox];
        SIDING_CO_ASSIGN(entry.uids, co_await recent_by_date(session, question->mailbox, since));
        entry.is_all = entry.uids.count() >= question->messages;
    }
    co_return Result<void>{};
}

}  // namespace

// Commands go out without waiting for answers (RFC 9051 §5.5): EXAMINE ends what is open.
awaitable<Result<std::map<std::string, RecentMessages>>> find_recent(
    ImapSession& session, std::vector<std::string> mailboxes, WallTime since
) {
    std::map<std::string, RecentMessages> recent;
    for (std::size_t from = 0; from < mailboxes.size();) {
        std::vector<Question> questions;
        for (; from < mailboxes.size() && questions.size() < limits::mailboxes_asked_at_once;
             ++from) {
            questions.emplace_back().mailbox = std::move(mailboxes[from]);
        }
        SIDING_CO_TRY(co_await find_some(session, questions, since, recent));
    }
    co_return recent;
}

}  // namespace siding::backfill

#include "backfill/source_watch.hpp"

#include "backfill/imap_ear.hpp"
#include "backfill/limits.hpp"
#include "base/log.hpp"

#include <chrono>
#include <optional>
#include <utility>

namespace siding::backfill {
namespace {

using net::awaitable;
using std::chrono::steady_clock;

const Logger log{"backfill"};

// RFC 5465 §5: MessageNew and MessageExpunge only together, FlagChange only with both.
constexpr const char* everything =
    "SET (selected (MessageNew MessageExpunge FlagChange))"
    " (personal (MessageNew MessageExpunge FlagChange MailboxName))";

bool is_login_refused(const std::optional<Trouble>& trouble) {
    return trouble == Trouble::authentication || trouble == Trouble::authorization ||
           trouble == Trouble::expired_token;
}

}  // namespace

std::string_view to_text(SourceWatch::Kind kind) {
    switch (kind) {
    case SourceWatch::Kind::idle:
        return "idle";
    case SourceWatch::Kind::notify:
        return "notify";
    }
    return "idle";
}

awaitable<SourceWatch::End> SourceWatch::run(Login login, Needs needs) {
    std::optional<Trouble> trouble;
    ImapSession::Host host = needs.host;
    const std::string account = login.account;
    const Place place = place_of(login);
    auto session = co_await ImapSession::open(std::move(login), std::move(host), trouble);
    if (!session) {
        log.debug("watch_not_begun", {{"account", account}, {"reason", session.error()}});
        if (trouble) {
            trouble = needs.governor.on_login_refused(place, *trouble, session.error().message());
        }
        co_return is_login_refused(trouble) ? End::refused : End::lost;
    }
    const Governor::Connection connection = needs.governor.on_let_in(place);
    SourceWatch self{std::move(needs)};
    const End end = co_await self.watch(**session);
    co_await (*session)->close();
    co_return end;
}

awaitable<SourceWatch::End> SourceWatch::watch(ImapSession& session) {
    const auto kind = co_await prepare(session);
    if (!kind) {
        co_return session.is_over() ? End::lost : End::unable;
    }
    needs_.on_watching(*kind);
    needs_.on_news(News::mail);
    Ear ear{session, [this](const ImapResponse& response) { hear(response); }};
    while (needs_.is_wanted()) {
        const auto ended = co_await idle(session);
        if (!ended) {
            log.debug("watch_lost", {{"reason", ended.error()}});
            co_return End::lost;
        }
        if (*ended != End::unwanted) {
            co_return *ended;
        }
    }
    co_return End::unwanted;
}

awaitable<Result<SourceWatch::Kind>> SourceWatch::prepare(ImapSession& session) {
    if (!session.capabilities().idle()) {
        co_return Error{Errc::conflict, "the server does not offer IDLE"};
    }
    SIDING_CO_TRY(co_await session.examine("INBOX"));
    exists_ = session.mailbox()->messages;
    if (session.capabilities().notify()) {
        ImapCommand notify{"NOTIFY"};
        notify.raw(everything);
        SIDING_CO_ASSIGN(const auto answer, co_await session.connection().run(std::move(notify)));
        if (answer.is_ok()) {
            co_return Kind::notify;
        }
        log.debug("notify_refused", {{"reason", answer.text}});
    }
    co_return Kind::idle;
}

// One IDLE, until it has to be said anew. End::unwanted: it has ended as it should.
awaitable<Result<SourceWatch::End>> SourceWatch::idle(ImapSession& session) {
    ImapConnection& connection = session.connection();
    const ImapTag tag = connection.open("IDLE");
    connection.close_command();
    SIDING_CO_ASSIGN(const auto asked, co_await connection.continuation(tag));
    if (!asked) {
        co_return End::unable;
    }
    // RFC 9051 §6.3.13: servers end what has been silent for 30 minutes.
    const auto until = steady_clock::now() + limits::imap_idle_max;
    while (needs_.is_wanted() && steady_clock::now() < until && !connection.is_answered(tag)) {
        SIDING_CO_TRY(co_await connection.listen_for(limits::watch_look));
        if (has_overflown_) {
            co_return End::lost;
        }
    }
    if (!connection.is_answered(tag)) {
        connection.put("DONE\r\n");
        if (!needs_.is_wanted()) {
            SIDING_CO_TRY(connection.flush());
            co_return End::unwanted;  // its answer says nothing that anybody waits for
        }
    }
    SIDING_CO_ASSIGN(const auto answer, co_await connection.answer(tag));
    co_return answer.is_ok() ? End::unwanted : End::unable;
}

void SourceWatch::hear(const ImapResponse& response) {
    if (response.is_code("NOTIFICATIONOVERFLOW")) {  // RFC 5465 §5.8
        has_overflown_ = true;
    } else if (response.is_data("EXISTS")) {
        if (response.number && *response.number != std::exchange(exists_, *response.number)) {
            needs_.on_news(News::mail);
        }
    } else if (response.is_data("EXPUNGE")) {
        exists_ -= exists_ > 0 ? 1 : 0;
        needs_.on_news(News::mail);
    } else if (const auto gone = vanished(response)) {
        exists_ -= std::min(exists_, gone->uids.count());
        needs_.on_news(News::mail);
    } else if (response.is_data("FETCH")) {
        needs_.on_news(News::flags);
    } else if (response.is_data("STATUS") || response.is_data("LIST")) {
        needs_.on_news(News::mail);
    }
}

}  // namespace siding::backfill

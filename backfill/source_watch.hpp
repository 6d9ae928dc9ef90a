// One connection to a source that waits in IDLE (RFC 2177) for something to happen: in INBOX, or in
// all of the user's mailboxes where the server offers NOTIFY (RFC 5465). It only listens: the
// mailbox is examined, and a pass finds out what is new. Lives on one io thread.
#pragma once

#include "backfill/account.hpp"
#include "backfill/governor.hpp"
#include "backfill/imap_session.hpp"

#include <functional>
#include <string_view>

namespace siding::backfill {

class SourceWatch {
public:
    enum class Kind { idle, notify };
    enum class News { mail, flags };
    enum class End {
        unwanted,
        lost,     // the connection; another may be made later
        refused,  // the login: nobody tries it again by himself
        unable,   // the server cannot do it
    };

    struct Needs {
        ImapSession::Host host;
        Governor& governor;
        std::function<bool()> is_wanted;  // asked twice a second
        // Also at the beginning: what came before it nobody has heard.
        std::function<void(News)> on_news;
        std::function<void(Kind)> on_watching;
    };

    static net::awaitable<End> run(Login login, Needs needs);

private:
    explicit SourceWatch(Needs needs) : needs_{std::move(needs)} {}

    net::awaitable<End> watch(ImapSession& session);
    net::awaitable<Result<Kind>> prepare(ImapSession& session);
    net::awaitable<Result<End>> idle(ImapSession& session);
    void hear(const ImapResponse& response);

    Needs needs_;
    std::uint64_t exists_ = 0;
    bool has_overflown_ = false;  // the server has given NOTIFY up
};

std::string_view to_text(SourceWatch::Kind kind);  // "idle"

}  // namespace siding::backfill

#include "backfill/token_login.hpp"

#include "backfill/token_source.hpp"
#include "base/log.hpp"

#include <utility>

namespace siding::backfill {
namespace {

const Logger log{"backfill"};

// Many servers say the same to a token that has expired as to a wrong password: one that was good
// until now is worth another.
bool may_have_expired(std::optional<Trouble> trouble, bool is_fresh) {
    return trouble == Trouble::expired_token || (trouble == Trouble::authentication && !is_fresh);
}

}  // namespace

net::awaitable<Result<std::unique_ptr<ImapSession>>> open_with_token(
    Login login, ImapSession::Host host, std::optional<Trouble>& trouble
) {
    if (host.tokens == nullptr) {
        co_return Error{Errc::invalid_argument, "there is nobody to get access tokens from"};
    }
    TokenSource::Taken taken;
    SIDING_CO_ASSIGN(taken, co_await host.tokens->take(login));
    Login first = login;
    first.secret = {Secret::Kind::token, taken.token};
    auto session = co_await ImapSession::open(std::move(first), host, trouble);
    if (session || !may_have_expired(trouble, taken.is_fresh)) {
        co_return session;
    }
    log.info(
        "token_refused",
        {{"account", login.account}, {"side", to_text(login.side)}, {"reason", session.error()}}
    );
    host.tokens->drop(taken);
    trouble.reset();
    SIDING_CO_ASSIGN(taken, co_await host.tokens->take(login));
    login.secret = {Secret::Kind::token, taken.token};
    session = co_await ImapSession::open(std::move(login), host, trouble);
    co_return session;
}

}  // namespace siding::backfill

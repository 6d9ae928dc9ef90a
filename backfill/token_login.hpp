// Logging in with an access token: it is got first, and where the server does not take it any more,
// got anew once. A token that has just come and is refused is a failure.
#pragma once

#include "backfill/imap_session.hpp"

#include <memory>
#include <optional>

namespace siding::backfill {

// ImapSession::open() of a login that needs_token().
net::awaitable<Result<std::unique_ptr<ImapSession>>> open_with_token(
    Login login, ImapSession::Host host, std::optional<Trouble>& trouble
);

}  // namespace siding::backfill

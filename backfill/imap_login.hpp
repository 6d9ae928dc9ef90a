// From a connected server to a session that may open mailboxes: TLS, capabilities, the login.
// Passwords never get into an error or the log.
#pragma once

#include "backfill/account.hpp"
#include "backfill/imap_capabilities.hpp"
#include "backfill/imap_connection.hpp"
#include "backfill/imap_trouble.hpp"
#include "net/tls_client.hpp"

#include <memory>
#include <optional>
#include <string>

namespace siding::backfill {

// What a login needs besides the connection.
struct ImapLoginNeeds {
    ImapLoginNeeds() = default;  // no aggregate: net/asio.hpp

    Login login;
    std::string secret;                   // a password, or a token of XOAUTH2 and OAUTHBEARER
    std::shared_ptr<net::TlsClient> tls;  // nothing with ImapTls::off
};

// Sends ID without waiting for its answer. Keeps `capabilities` as the server gives them, before
// TLS, behind it and behind the login. Errc::conflict where the server refuses us: trying again
// gives the same, and may lock the account; `trouble` says what kind it was. Errc::invalid_argument
// where what is wanted is not to be had: no STARTTLS, no mechanism. Any other error is the
// connection's.
net::awaitable<Result<void>> log_in(
    ImapConnection& connection,
    ImapCapabilities& capabilities,
    std::optional<Trouble>& trouble,
    const ImapLoginNeeds& needs
);

}  // namespace siding::backfill

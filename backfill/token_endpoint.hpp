// An OAuth endpoint as the configuration names it, and one question to it.
#pragma once

#include "config/backfill.hpp"
#include "net/asio.hpp"
#include "net/endpoint.hpp"
#include "net/http_message.hpp"

#include <string>

namespace siding::backfill {

struct TokenUrl {
    bool tls = true;
    net::HostPort where;
    std::string target;  // path and query
};

// https, or http to a loopback address (RFC 6749 §3.2: requests carry secrets).
Result<TokenUrl> parse_token_url(const std::string& url);

// The client's secret, or nothing for a public client. Blocks.
Result<std::string> read_client_secret(const config::TokenSource& tokens);

// Any answer is a value, whatever its status. Errors name the host and nothing of the form.
// Errc::unavailable: the same later may succeed. is_tls_failure() as it came: that needs a person.
net::awaitable<Result<net::HttpReply>> ask_endpoint(
    std::string url,
    config::TokenSource tokens,
    std::string form,
    net::asio::any_io_executor blocking
);

}  // namespace siding::backfill

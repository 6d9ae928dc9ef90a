// One page over HTTPS, from a server whose certificate fits its name and a trusted root. Follows no
// redirection, as RFC 8461 §3.3 wants it; whoever gets a 3xx sees it.
//
// Reads the trusted roots first, which blocks for a moment: not for io threads that serve mail.
#pragma once

#include "base/result.hpp"
#include "net/asio.hpp"
#include "net/endpoint.hpp"
#include "net/http_message.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace siding::net {

struct HttpsGetOptions {
    HttpsGetOptions() = default;  // no aggregate: net/asio.hpp

    std::uint16_t port = 443;
    std::chrono::milliseconds timeout = std::chrono::seconds{10};  // for all of it
    std::size_t octets_max = 64 * 1024;                            // of the page
    std::vector<Endpoint> addresses;     // empty: the system's resolver is asked
    std::optional<std::string> ca_file;  // PEM; instead of the system's roots
};

// Any answer is a value, whatever its status. Errors as http_request(), is_tls_failure() for a
// certificate that is not to be trusted.
awaitable<Result<HttpReply>> https_get(
    std::string host, std::string target, HttpsGetOptions options
);

}  // namespace siding::net

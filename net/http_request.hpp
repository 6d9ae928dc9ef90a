// One HTTP/1.1 request of a daemon over TCP, with TLS or without: one connection, one answer, one
// deadline for all of it. What TaskGroup::cancel() does to it is `on_cancel`'s to say. The blocking
// client of the command line is net/http_client.hpp.
#pragma once

#include "base/limits.hpp"
#include "base/result.hpp"
#include "net/asio.hpp"
#include "net/endpoint.hpp"
#include "net/http_message.hpp"
#include "net/stream.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace siding::net {

struct HttpRequestOptions {
    HttpRequestOptions() = default;  // no aggregate: net/asio.hpp

    std::string method = "POST";
    std::string target = "/";  // as it goes on the wire: path and query, encoded
    std::vector<std::pair<std::string, std::string>>
        headers;  // Host, Connection and framing are ours
    std::chrono::milliseconds timeout = limits::http_timeout;  // from connecting to the last octet
    std::size_t response_octets_max = limits::http_body_octets_max;  // of the body
    OnCancel on_cancel = OnCancel::stop;                             // for all of it
    std::shared_ptr<TlsClient> tls;                                  // without it in plain text
    std::vector<Endpoint> addresses;  // of the host, where they are known already
};

// The next piece of the request's body; an empty one at its end. Its error ends the request.
using HttpPieces = std::function<awaitable<Result<std::string>>()>;

// `body_octets`: the length of all pieces, chunked without it; no body at all with no `next_piece`.
// Any answer is a value, whatever its status. Errors: Errc::invalid_argument for a header that
// could not be sent as it is, or pieces that do not fit `body_octets`; Errc::limit_exceeded for too
// long an answer; is_timeout(), is_cancelled(), is_closed(), is_tls_failure(); else the
// environment's.
awaitable<Result<HttpReply>> http_request(
    HostPort where,
    HttpRequestOptions options,
    std::optional<std::uint64_t> body_octets = {},
    HttpPieces next_piece = nullptr
);

}  // namespace siding::net

// Reads a PROXY header from the beginning of a connection, and not an octet more: TLS may follow.
#pragma once

#include "base/result.hpp"
#include "net/asio.hpp"
#include "net/proxy_protocol.hpp"
#include "net/read_buffer.hpp"
#include "net/stream.hpp"

#include <chrono>
#include <optional>

namespace siding::net {

// Errc::invalid_argument when it is malformed or no header at all. The time is for the whole. The
// buffer holds the header's parts meanwhile, and is empty afterwards if it was before.
awaitable<Result<ProxyHeader>> read_proxy_header(
    Stream& stream, ReadBuffer& buffer, std::chrono::milliseconds timeout
);

// Nothing when the first octets are no header, and when none came in time (an SMTP client waits
// for the greeting). All octets are then still to be read: from the socket, or from the buffer
// where they looked like a header at first ("P"; no TLS begins that way).
awaitable<Result<std::optional<ProxyHeader>>> read_optional_proxy_header(
    Stream& stream, ReadBuffer& buffer, std::chrono::milliseconds timeout
);

}  // namespace siding::net

// An HTTP/1.1 server for the control API: few clients, on a Unix socket or a loopback port.
// It owns connections, framing, limits and deadlines (RFC 9112); what a request means, and who may
// ask, is the handler's. Runs on the acceptor's executor; handlers must not block.
#pragma once

#include "base/limits.hpp"
#include "net/acceptor.hpp"
#include "net/asio.hpp"
#include "net/http_message.hpp"

#include <chrono>
#include <cstddef>
#include <string>

namespace siding::net {

struct HttpServerOptions {
    std::string name = "http";
    asio::any_io_executor blocking = {};  // where user names are looked up; without it: "uid:1000"
    std::size_t connections_max = limits::http_connections_max;
    std::size_t body_octets_max = limits::http_body_octets_max;
    std::chrono::milliseconds timeout = limits::http_timeout;  // for a request, for each write
    std::chrono::milliseconds drain_timeout = std::chrono::seconds{5};
};

// Serves until the task is cancelled, then lets requests under way finish within the drain timeout.
// Spawn it in a TaskGroup; the parts that the handler refers to must outlive that group.
awaitable<void> serve_http(Acceptor acceptor, HttpHandler handler, HttpServerOptions options);

}  // namespace siding::net

// Makes outbound connections. Literal addresses go straight to the socket; names are asked of the
// system's resolver, and each of their addresses is tried in turn.
#pragma once

#include "base/limits.hpp"
#include "base/result.hpp"
#include "net/asio.hpp"
#include "net/endpoint.hpp"
#include "net/stream.hpp"

#include <chrono>
#include <string>

namespace siding::net {

struct ConnectOptions {
    ConnectOptions() = default;  // no aggregate: net/asio.hpp

    std::chrono::milliseconds timeout = limits::connect_timeout;  // for each address, and the name
    std::string source_address;  // literal; addresses of the other family are then not tried
};

// The error is that of the last address tried.
awaitable<Result<Stream>> connect(HostPort target, ConnectOptions options = {});

awaitable<Result<Stream>> connect_unix(std::string path, std::chrono::milliseconds timeout);

}  // namespace siding::net

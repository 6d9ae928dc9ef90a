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
#include <vector>

namespace siding::net {

struct ConnectOptions {
    ConnectOptions() = default;  // no aggregate: net/asio.hpp

    std::chrono::milliseconds timeout = limits::connect_timeout;  // for each address, and the name
    // Literal addresses to come from, one of each family; addresses of a family that has none here
    // are not tried. Empty: the system's choice.
    std::vector<std::string> source_addresses;
};

// The error is that of the last address tried.
awaitable<Result<Stream>> connect(HostPort target, ConnectOptions options = {});

// Addresses that are known already, in their order.
awaitable<Result<Stream>> connect(std::vector<Endpoint> targets, ConnectOptions options = {});

awaitable<Result<Stream>> connect_unix(std::string path, std::chrono::milliseconds timeout);

}  // namespace siding::net

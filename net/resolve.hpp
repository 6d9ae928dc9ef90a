// Names to addresses by the system's resolver (getaddrinfo): /etc/hosts, DNS, whatever
// nsswitch.conf says. What DNS itself says, with its times and its security, is dns/resolver.hpp.
#pragma once

#include "base/result.hpp"
#include "net/asio.hpp"
#include "net/endpoint.hpp"

#include <chrono>
#include <vector>

namespace siding::net {

// The addresses in the system's order of preference, with the target's port; a literal address is
// its own answer. Never empty. getaddrinfo runs on a thread of its own and is not waited for beyond
// the timeout.
awaitable<Result<std::vector<Endpoint>>> resolve(
    HostPort target, std::chrono::milliseconds timeout
);

}  // namespace siding::net

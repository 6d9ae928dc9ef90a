// Loop protection: whether mail for an address would come back to our own listeners.
#pragma once

#include "config/config.hpp"
#include "net/endpoint.hpp"

namespace siding::relay {

// A listener on all addresses is at each of this host's addresses. What a translator in front of us
// does to addresses cannot be seen from here.
bool is_own_address(const config::Config& config, const net::Endpoint& target);

}  // namespace siding::relay

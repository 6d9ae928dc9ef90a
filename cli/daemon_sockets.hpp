// What the process takes from the system before anything else: listening sockets and file
// descriptors.
#pragma once

#include "base/result.hpp"
#include "config/config.hpp"
#include "net/endpoint.hpp"
#include "net/unique_fd.hpp"

#include <cstddef>
#include <string_view>
#include <vector>

namespace siding::cli {

// Sockets from systemd's siding.socket stand in for the configured ones.
Result<std::vector<net::UniqueFd>> open_listeners(const config::Config& config);

// The one line that whoever started us waits for, whatever the log level.
void announce(std::string_view program, std::string_view event, const net::Endpoint& address);

// As many descriptors as the system lets us have; the sessions that they suffice for. The store
// must never be the one that finds none left: to it, that is a disk that fails.
std::size_t claim_descriptors(const config::Config& config);

}  // namespace siding::cli

#pragma once

#include "base/result.hpp"
#include "relay/lane_status.hpp"

#include <string>
#include <vector>

namespace siding::control {

// Errc::invalid_argument, with the names that there are, for a server that the configuration lacks.
Result<void> check_server(const std::vector<relay::LaneStatus>& lanes, const std::string& server);

}  // namespace siding::control

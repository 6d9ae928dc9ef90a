#include "control/server_name.hpp"

#include "base/bytes.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace siding::control {

Result<void> check_server(const std::vector<relay::LaneStatus>& lanes, const std::string& server) {
    std::vector<std::string> names;
    for (const relay::LaneStatus& lane : lanes) {
        names.push_back(lane.server);
    }
    if (std::ranges::find(names, server) != names.end()) {
        return {};
    }
    return Error{
        Errc::invalid_argument,
        fmt::format(
            "there is no server '{}'; the configuration has {}",
            escape(server),
            names.empty() ? "none" : fmt::format("{}", fmt::join(names, ", "))
        )};
}

}  // namespace siding::control

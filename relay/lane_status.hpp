// What a lane tells about itself.
#pragma once

#include "base/clock.hpp"

#include <cstddef>
#include <optional>
#include <string>

namespace siding::relay {

struct LaneStatus {
    std::string server;
    std::string address;
    std::size_t connections_open = 0;
    std::size_t connections_max = 0;
    std::size_t in_flight = 0;             // recipients whose attempt is under way
    std::optional<WallTime> paused_until;  // after a server that would not talk to us
    std::string last_error;                // the server's words or ours
    std::optional<WallTime> last_delivery_at;
};

}  // namespace siding::relay

// What a lane tells about itself.
#pragma once

#include "base/clock.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace siding::relay {

struct LaneStatus {
    std::string server;
    std::string address;
    std::string profile;
    std::size_t connections_open = 0;
    std::size_t connections_max = 0;
    std::size_t concurrency = 0;           // connections that it is allowed for now
    std::size_t in_flight = 0;             // recipients that it has claimed
    std::size_t waiting = 0;               // of them, kept back by a limit
    std::string breaker = "closed";        // open, half_open
    std::optional<WallTime> paused_until;  // after a server that would not talk to us
    std::optional<WallTime> cool_until;    // after back-pressure; new connections wait at least
    std::uint64_t back_pressure = 0;       // times, since the start
    std::uint64_t rate = 0;                // limits in messages per minute; 0: none
    std::uint64_t domain_rate = 0;
    std::uint64_t recipient_rate = 0;
    std::uint64_t messages_per_minute = 0;  // taken by the server in the last minute
    std::string last_error;                 // the server's words or ours
    std::string hint;                       // what an operator can do about it
    std::optional<WallTime> last_delivery_at;
};

}  // namespace siding::relay

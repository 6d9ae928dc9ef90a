// What an order waits for, before it begins or in its midst: it goes on by itself. Plain value.
#pragma once

#include "base/clock.hpp"

#include <optional>
#include <string>

namespace siding::backfill {

struct Hold {
    std::optional<WallTime> until;  // nothing: until somebody else has ended
    std::string words;
};

}  // namespace siding::backfill

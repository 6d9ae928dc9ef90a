// How much waits for each server. The store counts by wave, not by lane, so a lane is counted by
// walking it, up to a bound, and the one that is longer gets the rest of the total.
#pragma once

#include "base/clock.hpp"
#include "queue/store.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>

namespace siding::control {

struct LaneBacklog {
    std::uint64_t due = 0;  // recipients
    bool exact = true;      // false: at least so many; two lanes are longer than a page
    std::optional<WallTime> first_due_at;
};

// `due` is the number of due recipients on all lanes. Blocks.
Result<std::map<std::string, LaneBacklog>> read_backlogs(
    const queue::Store& store, std::uint64_t due
);

}  // namespace siding::control

// What a release job tells about itself.
#pragma once

#include "queue/counters.hpp"
#include "queue/release_job.hpp"

#include <chrono>
#include <cstdint>
#include <optional>

namespace siding::relay {

struct ReleaseReport {
    queue::ReleaseJob job;
    queue::StateCounts counts;    // of what it has moved, by what has become of it
    std::uint64_t left = 0;       // recipients that it has still to move
    double ended_per_minute = 0;  // over the last minute
    std::optional<std::chrono::seconds> time_left;  // nothing: cannot be said

    std::uint64_t waiting() const {
        return counts.of(queue::State::due) + counts.of(queue::State::in_flight);
    }
    // Everything was moved and has come to an end, or nothing more will be.
    bool is_done() const { return queue::is_over(job.state) && waiting() == 0; }
};

}  // namespace siding::relay

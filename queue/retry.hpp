// When the next attempt is due: the configured schedule, its last step repeated for ever (held mail
// and due mail never expire), spread by a jitter that is a function of the recipient, so that a
// backlog does not come back as one.
#pragma once

#include "base/clock.hpp"
#include "base/id.hpp"

#include <chrono>
#include <vector>

namespace siding::queue {

class RetrySchedule {
public:
    // `steps` must not be empty.
    explicit RetrySchedule(std::vector<std::chrono::seconds> steps);

    // After the attempt number `attempts` (from 1) failed at `now`.
    WallTime next_attempt(std::uint32_t attempts, RecipientId recipient, WallTime now) const;

private:
    std::vector<std::chrono::seconds> steps_;
};

}  // namespace siding::queue

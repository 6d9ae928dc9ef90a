#include "queue/retry.hpp"

#include "base/check.hpp"

#include <algorithm>

namespace siding::queue {

RetrySchedule::RetrySchedule(std::vector<std::chrono::seconds> steps) : steps_{std::move(steps)} {
    SIDING_CHECK(!steps_.empty(), "a retry schedule has steps");
}

WallTime RetrySchedule::next_attempt(std::uint32_t attempts, RecipientId recipient, WallTime now)
    const {
    const std::size_t step = std::min<std::size_t>(std::max(attempts, 1U), steps_.size()) - 1;
    const std::chrono::milliseconds wait = steps_[step];
    // Up to a tenth more; the multiplier is Knuth's, it only has to scatter neighbouring ids.
    const std::uint64_t scatter =
        (recipient.message.value() + recipient.number) * 0x9E3779B97F4A7C15ULL >> 32;
    const auto spread = static_cast<std::uint64_t>(wait.count() / 10 + 1);
    return now + wait + std::chrono::milliseconds{scatter % spread};
}

}  // namespace siding::queue

#include "queue/failure_latch.hpp"

namespace siding::queue {

void FailureLatch::fail(std::string reason) {
    const std::lock_guard lock{mutex_};
    if (!failed_.load(std::memory_order_relaxed)) {
        on_failure_(reason);
        reason_ = std::move(reason);
        failed_.store(true, std::memory_order_release);
    }
}

std::string FailureLatch::reason() const {
    const std::lock_guard lock{mutex_};
    return reason_;
}

}  // namespace siding::queue

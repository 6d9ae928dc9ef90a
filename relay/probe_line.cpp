#include "relay/probe_line.hpp"

#include "base/check.hpp"
#include "base/limits.hpp"

#include <utility>

namespace siding::relay {

// A clock that was set back must not prolong the pause.
bool ProbeLine::may_try(WallTime now) const {
    return now < *failed_at_ || now - *failed_at_ >= limits::verify_pause;
}

void ProbeLine::wake_next() {
    if (!waiting_.empty()) {
        waiting_.front()->nudge();
    }
}

net::awaitable<bool> ProbeLine::enter(
    const Clock& clock,
    std::size_t connections_max,
    std::chrono::steady_clock::time_point give_up_at
) {
    using std::chrono::milliseconds;
    const auto place = waiting_.insert(waiting_.end(), std::make_shared<Wakeup>(executor_));
    bool entered = false;
    while (true) {
        if (failed_at_) {
            entered = busy_ == 0 && may_try(clock.now());
            break;
        }
        const auto state = co_await net::asio::this_coro::cancellation_state;
        const auto left = give_up_at - std::chrono::steady_clock::now();
        entered = place == waiting_.begin() && busy_ < connections_max;
        const bool cancelled = state.cancelled() != net::asio::cancellation_type::none;
        if (entered || cancelled || left <= milliseconds{0}) {
            break;
        }
        const auto wakeup = *place;
        co_await wakeup->wait(std::chrono::ceil<milliseconds>(left));
    }
    waiting_.erase(place);
    busy_ += entered ? 1 : 0;
    wake_next();
    co_return entered;
}

void ProbeLine::leave_answered() {
    forget_failure();
    leave_untold();
}

void ProbeLine::leave_untold() {
    SIDING_CHECK(busy_ > 0, "left without having entered");
    --busy_;
    wake_next();
}

void ProbeLine::forget_failure() {
    failed_at_.reset();
    reason_.clear();
}

void ProbeLine::leave_failed(WallTime now, std::string why) {
    SIDING_CHECK(busy_ > 0, "left without having entered");
    --busy_;
    failed_at_ = now;
    reason_ = std::move(why);
    for (const auto& one : waiting_) {
        one->nudge();
    }
}

}  // namespace siding::relay

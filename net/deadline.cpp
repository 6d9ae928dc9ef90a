#include "net/deadline.hpp"

#include "base/check.hpp"

namespace siding::net {
namespace {

using SteadyTime = std::chrono::steady_clock::time_point;
constexpr std::chrono::milliseconds repeat_every{100};

}  // namespace

// Shared with the timer's pending handler, which may outlive the Deadline by one turn of the loop.
struct Deadline::Watch : std::enable_shared_from_this<Watch> {
    Watch(asio::any_io_executor executor, std::function<void()> action)
        : timer{std::move(executor)}, on_expired{std::move(action)} {}

    void wait_until(SteadyTime time) {
        wakes_at = time;
        waiting = true;
        timer.expires_at(time);
        timer.async_wait([self = shared_from_this()](boost::system::error_code code) {
            if (!code) {
                self->on_timer();
            }
        });
    }

    void on_timer() {
        waiting = false;
        if (!on_expired || !due) {
            return;
        }
        const SteadyTime now = std::chrono::steady_clock::now();
        if (now < *due) {
            wait_until(*due);
            return;
        }
        expired = true;
        wait_until(now + repeat_every);
        on_expired();
    }

    asio::steady_timer timer;
    std::function<void()> on_expired;
    std::optional<SteadyTime> due;
    SteadyTime wakes_at;
    bool waiting = false;
    bool expired = false;
};

Deadline::Deadline(asio::any_io_executor executor, std::function<void()> on_expired)
    : watch_{std::make_shared<Watch>(std::move(executor), std::move(on_expired))} {}

Deadline::~Deadline() {
    watch_->on_expired = nullptr;
    watch_->timer.cancel();
}

void Deadline::arm(std::chrono::milliseconds timeout) {
    SIDING_CHECK(!watch_->due, "a deadline guards one operation at a time");
    watch_->expired = false;
    watch_->due = std::chrono::steady_clock::now() + timeout;
    // A timer that wakes too early looks again; only one that wakes too late must be moved.
    if (!watch_->waiting || *watch_->due < watch_->wakes_at) {
        watch_->wait_until(*watch_->due);
    }
}

bool Deadline::disarm() {
    watch_->due.reset();
    return watch_->expired;
}

}  // namespace siding::net

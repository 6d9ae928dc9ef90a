// Waits for a time or a nudge, whichever is first. A nudge that comes while nobody waits is kept,
// so none is lost. Lives on one executor; nudge() must be called there.
#pragma once

#include "net/asio.hpp"

#include <boost/asio/steady_timer.hpp>

#include <chrono>

namespace siding::relay {

class Wakeup {
public:
    explicit Wakeup(net::asio::any_io_executor executor) : timer_{std::move(executor)} {}

    void nudge() {
        nudged_ = true;
        timer_.cancel();
    }

    net::awaitable<void> wait(std::chrono::milliseconds at_most) {
        if (!nudged_) {
            timer_.expires_after(at_most);
            static_cast<void>(co_await timer_.async_wait(net::use_result));
        }
        nudged_ = false;
    }

private:
    net::asio::steady_timer timer_;
    bool nudged_ = false;
};

}  // namespace siding::relay

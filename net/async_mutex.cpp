#include "net/async_mutex.hpp"

#include "net/network_error.hpp"

#include <boost/asio/post.hpp>

#include <chrono>

namespace siding::net {

AsyncMutex::Lock::~Lock() {
    if (mutex_ != nullptr) {
        mutex_->unlock();
    }
}

awaitable<Result<AsyncMutex::Lock>> AsyncMutex::lock() {
    auto executor = co_await asio::this_coro::executor;
    for (;;) {
        Waiter waiter;
        {
            const std::lock_guard lock{guard_};
            if (!is_taken_) {
                is_taken_ = true;
                co_return Lock{*this};
            }
            waiter = std::make_shared<asio::steady_timer>(
                executor, std::chrono::steady_clock::time_point::max()
            );
            waiters_.push_back(waiter);
        }
        static_cast<void>(co_await waiter->async_wait(use_result));
        const auto state = co_await asio::this_coro::cancellation_state;
        if (state.cancelled() != asio::cancellation_type::none) {
            co_return make_cancelled("waiting for its turn");
        }
    }
}

// A waiter is touched on its own executor alone, and not before it waits: lock() does not leave the
// executor between the two.
void AsyncMutex::unlock() {
    std::vector<Waiter> waiters;
    {
        const std::lock_guard lock{guard_};
        is_taken_ = false;
        waiters.swap(waiters_);
    }
    for (Waiter& waiter : waiters) {
        auto executor = waiter->get_executor();
        asio::post(executor, [waiter = std::move(waiter)] { waiter->cancel(); });
    }
}

}  // namespace siding::net

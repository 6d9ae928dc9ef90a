// Deadlines in two weights. `Deadline` belongs to one object that does thousands of operations: to
// arm it is to store a time, and one timer looks at it rarely. `with_deadline` bounds a single rare
// operation by cancelling it. Both live on the executor of what they guard.
#pragma once

#include "base/result.hpp"
#include "net/asio.hpp"
#include "net/network_error.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/experimental/parallel_group.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace siding::net {

class Deadline {
public:
    // `on_expired` interrupts whatever is under way. It is called again and again until disarm(),
    // because an interruption between two steps of an operation hits nothing.
    Deadline(asio::any_io_executor executor, std::function<void()> on_expired);
    ~Deadline();
    Deadline(const Deadline&) = delete;
    Deadline& operator=(const Deadline&) = delete;

    void arm(std::chrono::milliseconds timeout);  // one operation at a time; checked
    bool disarm();                                // whether the time had passed

private:
    struct Watch;
    std::shared_ptr<Watch> watch_;
};

namespace detail {

template <typename T>
awaitable<std::optional<Result<T>>> run_cancellable(awaitable<Result<T>> work) {
    co_await asio::this_coro::throw_if_cancelled(false);
    co_await asio::this_coro::reset_cancellation_state(asio::enable_total_cancellation());
    Result<T> result = co_await std::move(work);
    co_return std::optional<Result<T>>{std::move(result)};
}

}  // namespace detail

// The result of `work`, or is_timeout() with `what` as its context. `work` must end when it is
// cancelled; the deadline waits for it to do so.
template <typename T>
awaitable<Result<T>> with_deadline(
    awaitable<Result<T>> work, std::chrono::milliseconds timeout, std::string what
) {
    const auto state = co_await asio::this_coro::cancellation_state;
    if (state.cancelled() != asio::cancellation_type::none) {
        co_return make_cancelled(std::move(what));
    }
    auto executor = co_await asio::this_coro::executor;
    asio::steady_timer timer{executor, timeout};
    auto group = asio::experimental::make_parallel_group(
        asio::co_spawn(executor, detail::run_cancellable<T>(std::move(work)), asio::deferred),
        timer.async_wait(asio::deferred)
    );
    auto outcome =
        co_await group.async_wait(asio::experimental::wait_for_one(), asio::use_awaitable);
    auto& [order, failure, result, timer_code] = outcome;
    if (failure) {
        std::rethrow_exception(failure);
    }
    const bool expired = !timer_code && order[0] == 1;
    if (expired && result->has_error()) {
        co_return make_timeout(std::move(what));
    }
    co_return std::move(*result);
}

}  // namespace siding::net

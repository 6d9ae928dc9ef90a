// The hop that keeps io threads from blocking: run a function elsewhere, resume here.
#pragma once

#include "net/asio.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>

#include <optional>
#include <type_traits>
#include <utility>

namespace siding::net {

namespace detail {

template <typename Function>
awaitable<std::optional<std::invoke_result_t<Function&>>> call(Function function) {
    co_return function();
}

}  // namespace detail

// `co_await run_on(runtime.blocking(), [path] { return read(path); })`: gives the function's value
// (not void) on the caller's executor. Work that has begun is always waited for.
template <typename Function>
awaitable<std::invoke_result_t<Function&>> run_on(
    asio::any_io_executor executor, Function function
) {
    auto work = detail::call(std::move(function));
    auto token =
        asio::bind_cancellation_slot(asio::cancellation_slot{}, asio::use_awaitable);
    auto result = co_await asio::co_spawn(std::move(executor), std::move(work), token);
    co_return std::move(*result);
}

}  // namespace siding::net

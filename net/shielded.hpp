// Work that must not be left in the middle: it hears TaskGroup::abort() but not cancel(). Whoever
// awaits it waits until it is done.
#pragma once

#include "net/asio.hpp"

#include <boost/asio/co_spawn.hpp>

#include <utility>

namespace siding::net {

namespace detail {

// A coroutine that is spawned hears abort() but not cancel(), as long as it does not ask to.
template <typename T>
awaitable<T> run_deaf(awaitable<T> work) {
    co_await asio::this_coro::throw_if_cancelled(false);
    auto result = co_await std::move(work);
    co_return result;
}

}  // namespace detail

template <typename T>
awaitable<T> shielded(awaitable<T> work) {
    auto executor = co_await asio::this_coro::executor;
    auto deaf = detail::run_deaf(std::move(work));
    auto result = co_await asio::co_spawn(executor, std::move(deaf), asio::use_awaitable);
    co_return result;
}

}  // namespace siding::net

// The hop that keeps io threads from blocking: run a function elsewhere, resume here.
#pragma once

#include "net/asio.hpp"

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/prefer.hpp>

#include <type_traits>
#include <utility>

namespace siding::net {

// `co_await run_on(runtime.blocking(), [path] { return read(path); })`: gives the function's value
// (not void) on the caller's executor. Work that has begun is always waited for.
template <typename Function>
awaitable<std::invoke_result_t<Function&>> run_on(
    asio::any_io_executor executor, Function function
) {
    using Value = std::invoke_result_t<Function&>;
    auto start = [](auto handler, asio::any_io_executor on, Function work) {
        auto back = asio::prefer(
            asio::get_associated_executor(handler), asio::execution::outstanding_work.tracked
        );
        asio::post(
            on,
            [h = std::move(handler), back = std::move(back), f = std::move(work)]() mutable {
                Value value = f();
                asio::post(back, [h = std::move(h), v = std::move(value)]() mutable {
                    std::move(h)(std::move(v));
                });
            }
        );
    };
    co_return co_await asio::async_initiate<const asio::use_awaitable_t<>, void(Value)>(
        start, asio::use_awaitable, std::move(executor), std::move(function)
    );
}

}  // namespace siding::net

// Runs a blocking function on the blocking threads and resumes the caller on its own executor: the
// only way from an io thread to the disk.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/prefer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <type_traits>
#include <utility>

namespace siding::net {

template <typename F>
boost::asio::awaitable<std::invoke_result_t<F>> run_blocking(
    boost::asio::any_io_executor pool, F function
) {
    using Value = std::invoke_result_t<F>;
    auto start = [](auto handler, boost::asio::any_io_executor on, F work) {
        auto back = boost::asio::prefer(
            boost::asio::get_associated_executor(handler),
            boost::asio::execution::outstanding_work.tracked
        );
        boost::asio::post(
            on,
            [h = std::move(handler), back = std::move(back), f = std::move(work)]() mutable {
                auto value = f();
                boost::asio::post(back, [h = std::move(h), v = std::move(value)]() mutable {
                    std::move(h)(std::move(v));
                });
            }
        );
    };
    co_return co_await boost::asio::
        async_initiate<const boost::asio::use_awaitable_t<>, void(Value)>(
            start, boost::asio::use_awaitable, std::move(pool), std::move(function)
        );
}

}  // namespace siding::net

// A command's coroutine on the command's own thread.
#pragma once

#include "base/result.hpp"
#include "net/asio.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <exception>
#include <optional>
#include <utility>

namespace siding::cli {

// Until it has ended; what others have left on `io` stays there.
template <typename T>
Result<T> run_to_end(net::asio::io_context& io, net::awaitable<Result<T>> work) {
    std::optional<Result<T>> ended;
    auto done = [&ended](const std::exception_ptr& failure, Result<T> result) {
        if (failure) {
            std::rethrow_exception(failure);  // our bug
        }
        ended = std::move(result);
    };
    net::asio::co_spawn(io, std::move(work), std::move(done));
    while (!ended && io.run_one() > 0) {
    }
    if (!ended) {
        return Error{Errc::internal, "the command's work did not end"};
    }
    return std::move(*ended);
}

}  // namespace siding::cli

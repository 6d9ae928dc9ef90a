// The names of Asio that every coroutine of ours uses.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace siding::net {

namespace asio = boost::asio;
using asio::awaitable;

// Completes with a tuple that starts with the error code; nothing is thrown.
inline constexpr auto use_result = asio::as_tuple(asio::use_awaitable);

}  // namespace siding::net

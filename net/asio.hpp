// The names of Asio that every coroutine of ours uses.
//
// gcc 12 copies an aggregate's temporary bit by bit when it stands in a co_await expression
// (`co_await f({.a = "x"})`, default arguments too), and later frees what it does not own. Name
// such a value first; the types that invite it have constructors instead.
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

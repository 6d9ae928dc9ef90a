#include "net/signals.hpp"

#include "net/network_error.hpp"

#include <csignal>
#include <utility>

namespace siding::net {

Signals::Signals(asio::any_io_executor executor)
    : set_{std::move(executor), SIGTERM, SIGINT, SIGHUP} {}

awaitable<Result<Signal>> Signals::next() {
    const auto state = co_await asio::this_coro::cancellation_state;
    if (state.cancelled() != asio::cancellation_type::none) {
        co_return make_cancelled("waiting for signals");
    }
    const auto [code, number] = co_await set_.async_wait(use_result);
    if (code) {
        co_return make_cancelled("waiting for signals");
    }
    co_return number == SIGHUP ? Signal::reload : Signal::stop;
}

}  // namespace siding::net

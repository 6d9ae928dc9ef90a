#include "backfill/bandwidth.hpp"

#include <boost/asio/steady_timer.hpp>

#include <algorithm>

namespace siding::backfill {

Bandwidth::Time Bandwidth::spend(std::uint64_t octets, Time now) {
    const std::uint64_t per_second = per_second_();
    if (per_second == 0) {
        return now;
    }
    const std::chrono::duration<double> time{
        static_cast<double>(octets) / static_cast<double>(per_second)};
    const std::lock_guard lock{mutex_};
    free_at_ = std::max(free_at_, now) +
               std::chrono::duration_cast<std::chrono::steady_clock::duration>(time);
    return free_at_;
}

net::awaitable<void> Bandwidth::spend(std::uint64_t octets) {
    const Time now = std::chrono::steady_clock::now();
    const Time until = spend(octets, now);
    if (until > now) {
        auto executor = co_await net::asio::this_coro::executor;
        net::asio::steady_timer timer{executor, until};
        static_cast<void>(co_await timer.async_wait(net::use_result));
    }
}

}  // namespace siding::backfill

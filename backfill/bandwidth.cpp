#include "backfill/bandwidth.hpp"

#include <boost/asio/steady_timer.hpp>

#include <algorithm>

namespace siding::backfill {
namespace {

// A change of the rate is heard of by those who wait.
constexpr std::chrono::milliseconds look_again{250};

}  // namespace

void Bandwidth::carry(Time now) {
    const std::uint64_t per_second = per_second_();
    const double asked = static_cast<double>(asked_);
    if (per_second == 0) {
        carried_ = asked;
    } else {
        const double passed = std::chrono::duration<double>(now - carried_at_).count();
        carried_ =
            std::min(asked, carried_ + std::max(passed, 0.0) * static_cast<double>(per_second));
    }
    carried_at_ = now;
}

std::uint64_t Bandwidth::ask(std::uint64_t octets, Time now) {
    const std::lock_guard lock{mutex_};
    carry(now);
    asked_ += octets;
    return asked_;
}

std::optional<std::chrono::nanoseconds> Bandwidth::left(std::uint64_t place, Time now) {
    const std::uint64_t per_second = per_second_();
    const std::lock_guard lock{mutex_};
    carry(now);
    const double octets = static_cast<double>(place) - carried_;
    if (per_second == 0 || octets < 1) {
        return std::nullopt;
    }
    const std::chrono::duration<double> time{octets / static_cast<double>(per_second)};
    return std::chrono::duration_cast<std::chrono::nanoseconds>(time);
}

net::awaitable<void> Bandwidth::spend(std::uint64_t octets) {
    while (octets > 0 && is_bounded()) {
        const std::uint64_t piece = std::min(octets, piece_octets);
        octets -= piece;
        const std::uint64_t place = ask(piece, std::chrono::steady_clock::now());
        for (;;) {
            const auto time = left(place, std::chrono::steady_clock::now());
            if (!time) {
                break;
            }
            auto executor = co_await net::asio::this_coro::executor;
            net::asio::steady_timer timer{executor};
            timer.expires_after(std::min<std::chrono::nanoseconds>(*time, look_again));
            const auto [code] = co_await timer.async_wait(net::use_result);
            if (code) {
                co_return;  // told to stop
            }
        }
    }
}

}  // namespace siding::backfill

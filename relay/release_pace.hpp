// How many recipients a release job may move now, from its rate: small slices at a steady pace, and
// no burst after a pause, a restart or a server that was slow. Pure.
#pragma once

#include <chrono>
#include <cstdint>

namespace siding::relay {

class ReleasePace {
public:
    using Time = std::chrono::steady_clock::time_point;

    // 0 recipients in a minute: no rate.
    ReleasePace(std::uint64_t per_minute, Time now);

    // UINT64_MAX without a rate.
    std::uint64_t allowed(Time now);
    void took(std::uint64_t recipients);

    // Until the next slice may go; zero without a rate.
    std::chrono::milliseconds wait() const;

private:
    std::uint64_t slice() const;

    std::uint64_t per_minute_;
    Time filled_at_;
    // In milliseconds × recipients per minute: one recipient costs `one`. The first may go at once.
    static constexpr std::uint64_t one = 60'000;
    std::uint64_t credit_ = one;
};

}  // namespace siding::relay

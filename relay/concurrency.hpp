// How many connections a server gets at once: one more after a run of deliveries, half as many when
// it says that this is too much, and then nothing new until it has cooled down. Pure.
//
// Wall times, because a cool-down outlives nothing but this process; a clock that is set back
// cannot make it longer than the longest.
#pragma once

#include "base/clock.hpp"
#include "relay/lane_limits.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace siding::relay {

class Concurrency {
public:
    explicit Concurrency(const LaneLimits& limits);

    // After a reload; what was learnt stays, within the new bounds.
    void set_limits(const LaneLimits& limits);

    // At least 1.
    std::size_t allowed() const { return allowed_; }

    // Nothing new before it; in the past where nothing is cooling.
    WallTime cool_until() const { return cool_until_; }
    bool is_cooling(WallTime now) const { return now < cool_until_; }

    void on_delivered();

    enum class Pressure {
        load,        // too many connections, too many messages, busy
        reputation,  // it does not trust our address yet
    };
    // What comes from other connections while it cools already is the same answer. Gives whether it
    // counted.
    bool on_back_pressure(Pressure pressure, WallTime now);

    // Call before a look at cool_until(): a clock that was set back must not make hours of seconds.
    void on_clock(WallTime now);

    // In a row, without a run of deliveries between them.
    std::uint32_t pressures() const { return pressures_; }

private:
    std::chrono::milliseconds next_cool_down(Pressure pressure) const;

    LaneLimits limits_;
    std::size_t allowed_;
    std::size_t delivered_ = 0;  // in a row
    std::uint32_t pressures_ = 0;
    WallTime cool_until_{};
    std::chrono::milliseconds cool_down_{0};  // the one that cool_until_ ends
};

}  // namespace siding::relay

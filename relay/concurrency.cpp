#include "relay/concurrency.hpp"

#include <algorithm>

namespace siding::relay {

Concurrency::Concurrency(const LaneLimits& limits)
    : limits_{limits}, allowed_{std::max<std::size_t>(limits.connections_start, 1)} {}

void Concurrency::set_limits(const LaneLimits& limits) {
    if (limits == limits_) {
        return;
    }
    // More than before, and nothing has spoken against it yet: from the new start on.
    if (pressures_ == 0 && limits.connections_start > limits_.connections_start) {
        allowed_ = std::max(allowed_, limits.connections_start);
    }
    limits_ = limits;
    allowed_ = std::clamp<std::size_t>(allowed_, 1, std::max<std::size_t>(limits.connections, 1));
}

void Concurrency::on_delivered() {
    delivered_ += 1;
    if (delivered_ < limits_.growth_deliveries) {
        return;
    }
    delivered_ = 0;
    pressures_ = 0;
    allowed_ = std::min(allowed_ + 1, std::max<std::size_t>(limits_.connections, 1));
}

bool Concurrency::on_back_pressure(Pressure pressure, WallTime now) {
    delivered_ = 0;
    if (is_cooling(now)) {
        // Not again half as many; but a longer wait is wanted where the reason is a graver one.
        if (pressure == Pressure::reputation && cool_down_ < limits_.reputation_cool_down) {
            cool_down_ = limits_.reputation_cool_down;
            cool_until_ = now + cool_down_;
        }
        return false;
    }
    allowed_ = std::max<std::size_t>(allowed_ / 2, 1);
    cool_down_ = next_cool_down(pressure);
    cool_until_ = now + cool_down_;
    pressures_ += 1;
    return true;
}

std::chrono::milliseconds Concurrency::next_cool_down(Pressure pressure) const {
    const auto doubled = limits_.cool_down * (1LL << std::min(pressures_, 20U));
    const auto capped = std::min<std::chrono::milliseconds>(doubled, limits_.cool_down_longest);
    return pressure == Pressure::reputation ? std::max(capped, limits_.reputation_cool_down)
                                            : capped;
}

void Concurrency::on_clock(WallTime now) {
    cool_until_ = std::min(cool_until_, now + cool_down_);
}

}  // namespace siding::relay

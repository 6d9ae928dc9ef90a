#include "relay/release_pace.hpp"

#include <algorithm>

namespace siding::relay {
namespace {

constexpr std::uint64_t slices_per_minute = 240;
constexpr std::uint64_t rate_max = 1'000'000'000;  // × a minute in milliseconds fits 64 bits

}  // namespace

ReleasePace::ReleasePace(std::uint64_t per_minute, Time now)
    : per_minute_{std::min(per_minute, rate_max)}, filled_at_{now} {}

std::uint64_t ReleasePace::slice() const {
    return std::max<std::uint64_t>(per_minute_ / slices_per_minute, 1);
}

std::uint64_t ReleasePace::allowed(Time now) {
    if (per_minute_ == 0) {
        return UINT64_MAX;
    }
    const auto passed = std::chrono::duration_cast<std::chrono::milliseconds>(now - filled_at_);
    if (passed.count() > 0) {
        filled_at_ += passed;
        const auto millis =
            std::min<std::uint64_t>(static_cast<std::uint64_t>(passed.count()), one);
        credit_ += millis * per_minute_;
    }
    // What was not used is gone but for one slice: a slow server is no reason for a burst.
    credit_ = std::min(credit_, 2 * slice() * one);
    return credit_ / one;
}

void ReleasePace::took(std::uint64_t recipients) {
    if (per_minute_ != 0) {
        credit_ -= std::min(credit_, recipients * one);
    }
}

std::chrono::milliseconds ReleasePace::wait() const {
    const std::uint64_t wanted = slice() * one;
    if (per_minute_ == 0 || credit_ >= wanted) {
        return std::chrono::milliseconds{0};
    }
    return std::chrono::milliseconds{(wanted - credit_ + per_minute_ - 1) / per_minute_};
}

}  // namespace siding::relay

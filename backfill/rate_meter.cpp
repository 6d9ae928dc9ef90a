#include "backfill/rate_meter.hpp"

#include <algorithm>

namespace siding::backfill {
namespace {

std::int64_t second_of(WallTime time) {
    return std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
}

}  // namespace

void RateMeter::add(std::uint64_t octets, std::uint64_t messages, WallTime now) {
    if (began_ == WallTime{} || now - last_ > span) {
        began_ = now;
    }
    last_ = now;
    const std::int64_t at = second_of(now);
    Second& second = seconds_[static_cast<std::size_t>(at) % seconds_.size()];
    if (second.at != at) {
        second = Second{at, 0, 0};
    }
    second.octets += octets;
    second.messages += messages;
}

RateMeter::Rate RateMeter::now(WallTime now) const {
    if (began_ == WallTime{} || now - last_ > span) {
        return {};
    }
    const WallTime from = std::max(began_, now - span);
    const double passed = std::chrono::duration<double>(now - from).count();
    if (passed < 1) {
        return {};
    }
    Rate rate;
    for (const Second& second : seconds_) {
        if (second.at > second_of(now - span)) {
            rate.octets += static_cast<double>(second.octets);
            rate.messages += static_cast<double>(second.messages);
        }
    }
    rate.octets /= passed;
    rate.messages /= passed;
    return rate;
}

}  // namespace siding::backfill

#include "relay/breaker.hpp"

#include "base/check.hpp"

#include <algorithm>

namespace siding::relay {

Breaker::State Breaker::state(WallTime now) const {
    if (failures_ == 0) {
        return State::closed;
    }
    return now < open_until_ ? State::open : State::half_open;
}

bool Breaker::admits(WallTime now, bool probe_is_out) const {
    switch (state(now)) {
    case State::closed:
        return true;
    case State::open:
        return false;
    case State::half_open:
        return !probe_is_out;
    }
    SIDING_UNREACHABLE("no such state");
}

void Breaker::on_success() {
    failures_ = 0;
    strikes_ = 0;
    open_until_ = {};
}

bool Breaker::on_failure(WallTime now, bool others_work) {
    if (state(now) == State::open) {
        return false;  // a connection from before: the same failure
    }
    if (failures_ == 0 && others_work && ++strikes_ < strikes_max) {
        return false;
    }
    failures_ += 1;
    strikes_ = 0;
    const auto doubled = first_wait_ * (1LL << std::min(failures_ - 1, 20U));
    open_until_ = now + std::min<std::chrono::milliseconds>(doubled, longest_wait_);
    return true;
}

void Breaker::on_clock(WallTime now) {
    open_until_ = std::min(open_until_, now + longest_wait_);
}

std::string_view format_breaker(Breaker::State state) {
    switch (state) {
    case Breaker::State::closed:
        return "closed";
    case Breaker::State::open:
        return "open";
    case Breaker::State::half_open:
        return "half_open";
    }
    SIDING_UNREACHABLE("no such state");
}

}  // namespace siding::relay

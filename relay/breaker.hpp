// Keeps mail from a server that does not work: after a failure nothing is sent for a while, then
// one probe goes out, and its end decides for all. Pure.
//
// It opens by itself again and again with longer waits, up to the longest, and never gives up: what
// waits behind it may have nowhere else to go.
#pragma once

#include "base/clock.hpp"

#include <chrono>
#include <cstdint>
#include <string_view>

namespace siding::relay {

class Breaker {
public:
    enum class State {
        closed,     // the server works, as far as is known
        open,       // nothing is sent
        half_open,  // the wait is over: one probe
    };

    Breaker(std::chrono::milliseconds first_wait, std::chrono::milliseconds longest_wait)
        : first_wait_{first_wait}, longest_wait_{longest_wait} {}

    State state(WallTime now) const;
    // The end of the wait; in the past when none is on.
    WallTime open_until() const { return open_until_; }

    // May work go out, given so much that is out already?
    bool admits(WallTime now, bool probe_is_out) const;

    // The server has answered, whatever it said.
    void on_success();

    // A connection or a transaction failed. `others_work`: other connections stand, so that one
    // failure alone proves nothing. Gives whether it opened.
    bool on_failure(WallTime now, bool others_work);

    // Call before a look: a clock that was set back must not make hours of seconds.
    void on_clock(WallTime now);

    std::uint32_t failures() const { return failures_; }  // waits in a row

private:
    static constexpr std::uint32_t strikes_max = 3;  // beside connections that work

    std::chrono::milliseconds first_wait_;
    std::chrono::milliseconds longest_wait_;
    std::uint32_t failures_ = 0;
    std::uint32_t strikes_ = 0;
    WallTime open_until_{};
};

std::string_view format_breaker(Breaker::State state);

}  // namespace siding::relay

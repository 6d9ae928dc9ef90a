// How long we wait for the next octets of a message: one block has its time, the whole message has
// one (RFC 5321 §4.5.3.2.5 knows only the first), and who sends slower than data_rate_min after the
// first minute is not sending a message. Pure; times are steady.
#pragma once

#include "config/config.hpp"

#include <chrono>
#include <cstdint>

namespace siding::relay {

class BodyClock {
public:
    using Time = std::chrono::steady_clock::time_point;

    BodyClock(const config::Timeouts& timeouts, Time now) : timeouts_{timeouts}, start_{now} {}

    // For the next block; zero when the message's time is up. `octets`: received so far.
    std::chrono::milliseconds next_timeout(Time now, std::uint64_t octets, bool is_stressed) const;

private:
    config::Timeouts timeouts_;
    Time start_;
};

}  // namespace siding::relay

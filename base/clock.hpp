// Time as a dependency. Wall time dates what people read and when work is due; the steady clock
// runs deadlines. Pure code takes a time as an argument instead.
#pragma once

#include "base/result.hpp"

#include <atomic>
#include <chrono>
#include <string>
#include <string_view>

namespace siding {

using WallTime = std::chrono::sys_time<std::chrono::milliseconds>;

class Clock {
public:
    virtual ~Clock() = default;
    virtual WallTime now() const = 0;
};

class SystemClock final : public Clock {
public:
    WallTime now() const override;
};

// For tests; safe to move from another thread.
class ManualClock final : public Clock {
public:
    explicit ManualClock(WallTime start) : millis_{start.time_since_epoch().count()} {}
    WallTime now() const override;
    void advance(std::chrono::milliseconds by);

private:
    std::atomic<std::int64_t> millis_;
};

// "2026-11-21T14:07:30.123Z"
std::string format_time(WallTime time);

// Reads what format_time writes, with or without the fraction.
Result<WallTime> parse_time(std::string_view text);

// RFC 5322 §3.3 date-time in the local zone: "Sat, 21 Nov 2026 14:07:30 +0100 (CET)".
std::string format_rfc5322_date(WallTime time);

}  // namespace siding

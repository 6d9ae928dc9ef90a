// Parts of each day in which nothing is copied. They are the operator's: in the machine's own time
// zone. Pure.
#pragma once

#include "base/clock.hpp"
#include "config/backfill.hpp"

#include <chrono>
#include <functional>
#include <optional>
#include <vector>

namespace siding::backfill {

// Which minute of its day a time is, there where the operator lives.
using MinuteOfDay = std::function<std::chrono::minutes(WallTime)>;
std::chrono::minutes local_minute_of_day(WallTime time);

// When the quiet that it is now comes to its end; nothing where it is not quiet. All day quiet: a
// day from now.
std::optional<WallTime> quiet_until(
    const std::vector<config::DayTime>& quiet, WallTime now, const MinuteOfDay& minute_of_day
);
// When it becomes quiet next; nothing where it is now, or never.
std::optional<WallTime> quiet_from(
    const std::vector<config::DayTime>& quiet, WallTime now, const MinuteOfDay& minute_of_day
);

}  // namespace siding::backfill

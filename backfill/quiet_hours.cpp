#include "backfill/quiet_hours.hpp"

#include <algorithm>
#include <ctime>

namespace siding::backfill {
namespace {

using std::chrono::minutes;

constexpr minutes day{24 * 60};

bool is_quiet(const std::vector<config::DayTime>& quiet, minutes at) {
    return std::ranges::any_of(quiet, [at](const config::DayTime& part) {
        return part.from <= part.to ? at >= part.from && at < part.to
                                    : at >= part.from || at < part.to;
    });
}

// The first full minute behind `now` at which it is as `wanted`; nothing within a day.
std::optional<WallTime> next(
    const std::vector<config::DayTime>& quiet,
    WallTime now,
    const MinuteOfDay& minute_of_day,
    bool wanted
) {
    const minutes at = minute_of_day(now);
    std::optional<minutes> soonest;
    for (const config::DayTime& part : quiet) {
        for (const minutes edge : {part.from, part.to}) {
            const minutes away = (edge - at + day) % day;
            const bool is_it = away > minutes{0} && is_quiet(quiet, edge % day) == wanted;
            if (is_it && (!soonest || away < *soonest)) {
                soonest = away;
            }
        }
    }
    if (!soonest) {
        return std::nullopt;
    }
    return WallTime{std::chrono::floor<minutes>(now) + *soonest};
}

}  // namespace

minutes local_minute_of_day(WallTime time) {
    const std::time_t seconds = std::chrono::system_clock::to_time_t(
        std::chrono::time_point_cast<std::chrono::system_clock::duration>(time)
    );
    std::tm local{};
    ::localtime_r(&seconds, &local);
    return minutes{local.tm_hour * 60 + local.tm_min};
}

std::optional<WallTime> quiet_until(
    const std::vector<config::DayTime>& quiet, WallTime now, const MinuteOfDay& minute_of_day
) {
    if (!is_quiet(quiet, minute_of_day(now))) {
        return std::nullopt;
    }
    return next(quiet, now, minute_of_day, false).value_or(now + std::chrono::days{1});
}

std::optional<WallTime> quiet_from(
    const std::vector<config::DayTime>& quiet, WallTime now, const MinuteOfDay& minute_of_day
) {
    if (is_quiet(quiet, minute_of_day(now))) {
        return std::nullopt;
    }
    return next(quiet, now, minute_of_day, true);
}

}  // namespace siding::backfill

// When the copying will be done, day by day: what is left at the rate that was measured, within the
// bandwidth, the daily budgets and between quiet hours. Pure.
#pragma once

#include "backfill/quiet_hours.hpp"
#include "base/clock.hpp"
#include "config/backfill.hpp"

#include <chrono>
#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

namespace siding::backfill {

inline constexpr std::uint64_t unbounded = std::numeric_limits<std::uint64_t>::max();

// What a budget leaves: of today, and of each day behind it.
struct Allowance {
    std::uint64_t today = unbounded;
    std::uint64_t each_day = unbounded;
};
// Of two budgets that both bind.
Allowance tighter(const Allowance& left, const Allowance& right);

struct ForecastNeeds {
    struct Account {
        std::uint64_t octets_left = 0;
        Allowance allowance;
    };

    WallTime now{};
    double octets_per_second = 0;  // as measured; 0: not known
    std::uint64_t bandwidth = 0;   // 0: no bound
    std::vector<config::DayTime> quiet_hours;
    MinuteOfDay minute_of_day = local_minute_of_day;
    Allowance all;
    std::vector<Account> accounts;
};

struct Forecast {
    struct Day {
        std::chrono::sys_days day{};  // UTC, as the budgets count
        std::uint64_t octets = 0;
        bool operator==(const Day&) const = default;
    };

    std::uint64_t octets_left = 0;
    // Nothing where neither a rate nor a budget is known, or where it would take years.
    std::optional<WallTime> done_at;
    std::vector<Day> days;  // only those on which something is copied
};

Forecast make_forecast(const ForecastNeeds& needs);

}  // namespace siding::backfill

#include "backfill/forecast.hpp"

#include "backfill/rate_meter.hpp"

#include <gtest/gtest.h>

namespace siding::backfill {
namespace {

using namespace std::chrono_literals;
using Days = std::vector<Forecast::Day>;

constexpr std::chrono::sys_days monday{std::chrono::year{2026} / 11 / 23};
constexpr std::uint64_t giga = 1'000'000'000;

std::chrono::minutes utc(WallTime time) {
    return std::chrono::floor<std::chrono::minutes>(
        time - std::chrono::floor<std::chrono::days>(time)
    );
}

ForecastNeeds at(WallTime now, std::uint64_t left, double rate) {
    ForecastNeeds needs;
    needs.now = now;
    needs.octets_per_second = rate;
    needs.minute_of_day = utc;
    needs.accounts = {{left, {}}};
    return needs;
}

TEST(ForecastTest, a_rate_is_enough) {
    const Forecast forecast = make_forecast(at(monday + 10h, 36 * giga, 1e6));
    EXPECT_EQ(forecast.octets_left, 36 * giga);
    EXPECT_EQ(forecast.done_at, WallTime{monday + 20h});
    EXPECT_EQ(forecast.days, (Days{{monday, 36 * giga}}));
}

TEST(ForecastTest, nothing_is_known) {
    const Forecast forecast = make_forecast(at(monday, giga, 0));
    EXPECT_FALSE(forecast.done_at);
    EXPECT_TRUE(forecast.days.empty());
    EXPECT_EQ(make_forecast(at(monday, 0, 0)).done_at, WallTime{monday});
}

TEST(ForecastTest, bandwidth_bounds_the_rate) {
    ForecastNeeds needs = at(monday, 3600 * 1'000'000ULL, 1e9);
    needs.bandwidth = 1'000'000;
    EXPECT_EQ(make_forecast(needs).done_at, WallTime{monday + 1h});
    needs.octets_per_second = 0;  // not measured yet
    EXPECT_EQ(make_forecast(needs).done_at, WallTime{monday + 1h});
}

TEST(ForecastTest, budgets_make_a_calendar) {
    ForecastNeeds needs = at(monday + 18h, 6 * giga, 1e6);
    needs.accounts[0].allowance = {500'000'000, 2'500'000'000};  // 2 GB are used today
    const Forecast forecast = make_forecast(needs);
    const auto day = std::chrono::days{1};
    EXPECT_EQ(
        forecast.days,
        (Days{
            {monday, giga / 2},
            {monday + day, 5 * giga / 2},
            {monday + 2 * day, 5 * giga / 2},
            {monday + 3 * day, giga / 2}})
    );
    EXPECT_EQ(forecast.done_at, WallTime{monday + 3 * day + 500s});
}

TEST(ForecastTest, a_budget_that_is_used_up_begins_tomorrow) {
    ForecastNeeds needs = at(monday + 18h, giga, 0);
    needs.all = {0, 5 * giga};
    const Forecast forecast = make_forecast(needs);
    EXPECT_EQ(forecast.days, (Days{{monday + std::chrono::days{1}, giga}}));
    EXPECT_EQ(forecast.done_at, WallTime{monday + std::chrono::days{1}});
}

TEST(ForecastTest, each_account_has_its_own_budget_and_all_have_one) {
    ForecastNeeds needs = at(monday, 0, 1e9);
    needs.accounts = {{3 * giga, {giga, giga}}, {giga, {giga, giga}}};
    Forecast forecast = make_forecast(needs);
    EXPECT_EQ(forecast.days.size(), 3U);  // as long as the longer one
    EXPECT_EQ(forecast.days[0].octets, 2 * giga);
    EXPECT_EQ(forecast.days[2].octets, giga);
    needs.all = {giga, giga};
    forecast = make_forecast(needs);
    EXPECT_EQ(forecast.days.size(), 4U);
    EXPECT_EQ(forecast.days[0].octets, giga);
}

TEST(ForecastTest, nothing_is_copied_in_quiet_hours) {
    ForecastNeeds needs = at(monday + 7h, 2 * 3600 * 1'000'000ULL, 1e6);
    needs.quiet_hours = {{8h, 18h}};
    EXPECT_EQ(make_forecast(needs).done_at, WallTime{monday + 19h});
    needs.now = monday + 12h;
    EXPECT_EQ(make_forecast(needs).done_at, WallTime{monday + 20h});
    needs.quiet_hours = {{0min, 12h}, {12h, 24h}};  // always
    EXPECT_FALSE(make_forecast(needs).done_at);
}

TEST(ForecastTest, years_are_no_forecast) {
    EXPECT_FALSE(make_forecast(at(monday, 1000 * giga, 1)).done_at);
}

TEST(QuietHoursTest, over_midnight) {
    const std::vector<config::DayTime> night{{22h, 6h}};
    EXPECT_EQ(quiet_until(night, monday + 23h, utc), WallTime{monday + 30h});
    EXPECT_EQ(quiet_until(night, monday + 5h + 59min + 30s, utc), WallTime{monday + 6h});
    EXPECT_FALSE(quiet_until(night, monday + 6h, utc));
    EXPECT_EQ(quiet_from(night, monday + 6h, utc), WallTime{monday + 22h});
    EXPECT_FALSE(quiet_from(night, monday + 23h, utc));
    EXPECT_FALSE(quiet_from({}, monday, utc));
}

TEST(QuietHoursTest, parts_that_touch_are_one) {
    const std::vector<config::DayTime> parts{{8h, 12h}, {12h, 18h}};
    EXPECT_EQ(quiet_until(parts, monday + 9h, utc), WallTime{monday + 18h});
    EXPECT_EQ(quiet_from(parts, monday + 18h, utc), WallTime{monday + 32h});
}

TEST(RateMeterTest, of_the_last_half_minute) {
    RateMeter meter;
    const WallTime start{monday};
    EXPECT_EQ(meter.now(start).octets, 0);
    for (int second = 0; second < 100; ++second) {
        meter.add(second < 50 ? 1000 : 2000, 1, start + std::chrono::seconds{second});
    }
    EXPECT_NEAR(meter.now(start + 100s).octets, 2000, 100);
    EXPECT_NEAR(meter.now(start + 100s).messages, 1, 0.1);
    EXPECT_EQ(meter.now(start + 200s).octets, 0);
}

}  // namespace
}  // namespace siding::backfill

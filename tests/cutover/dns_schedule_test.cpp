#include "cutover/dns_schedule.hpp"

#include <gtest/gtest.h>

#include <string>

namespace siding::cutover {
namespace {

using namespace std::chrono_literals;

const WallTime start = parse_time("2026-11-28T19:00:00Z").value();

std::vector<Domain> domains(std::size_t count) {
    std::vector<Domain> all;
    for (std::size_t i = 0; i < count; ++i) {
        all.push_back(Domain::parse("d" + std::to_string(1000 + i) + ".example").value());
    }
    return all;
}

TEST(DnsSchedule, AStartIsSpread) {
    DnsSchedule schedule;
    const auto all = domains(200);
    schedule.set_domains(all, start, 5min);
    EXPECT_EQ(schedule.take_due(start, 200).size(), 1U);
    EXPECT_EQ(schedule.take_due(start + 1s, 200).size(), 4U);
    EXPECT_EQ(schedule.at(all.back()), start + 199 * 250ms);
}

TEST(DnsSchedule, TheSpreadIsNoLongerThanTheWatch) {
    DnsSchedule schedule;
    const auto all = domains(100);
    schedule.set_domains(all, start, 10s);
    EXPECT_EQ(schedule.at(all.back()), start + 9900ms);
}

TEST(DnsSchedule, NobodyIsTakenTwiceAndTheMostOverdueComeFirst) {
    DnsSchedule schedule;
    const auto all = domains(3);
    schedule.set_domains(all, start, 5min);
    schedule.hurry(all[2], start - 1s);
    EXPECT_EQ(schedule.take_due(start + 1s, 2), (std::vector{all[2], all[0]}));
    EXPECT_EQ(schedule.take_due(start + 1s, 2), std::vector{all[1]});
    EXPECT_FALSE(schedule.first());
    schedule.done(all[0], start + 1min);
    EXPECT_EQ(schedule.first(), start + 1min);
    EXPECT_TRUE(schedule.take_due(start + 59s, 3).empty());
}

TEST(DnsSchedule, WhoIsHurriedWhileUnderWayIsTakenAgainAtOnce) {
    DnsSchedule schedule;
    const auto all = domains(1);
    schedule.set_domains(all, start, 5min);
    ASSERT_EQ(schedule.take_due(start, 1).size(), 1U);
    EXPECT_TRUE(schedule.is_busy(all[0]));
    schedule.hurry(all[0], start);
    EXPECT_TRUE(schedule.take_due(start + 1h, 1).empty());
    schedule.done(all[0], start + 5min);
    EXPECT_EQ(schedule.take_due(start + 1s, 1), all);
    schedule.done(all[0], start + 5min);
    EXPECT_TRUE(schedule.take_due(start + 1s, 1).empty());  // once is enough
}

TEST(DnsSchedule, AReloadKeepsTheTimesOfWhoStays) {
    DnsSchedule schedule;
    const auto all = domains(3);
    schedule.set_domains({all[0], all[1]}, start, 5min);
    schedule.take_due(start + 1s, 2);
    schedule.done(all[0], start + 7min);
    schedule.set_domains({all[0], all[2]}, start + 1min, 5min);
    EXPECT_EQ(schedule.at(all[0]), start + 7min);
    EXPECT_FALSE(schedule.contains(all[1]));
    EXPECT_EQ(schedule.at(all[2]), start + 1min);
    schedule.done(all[1], start);  // was under way when it went
    EXPECT_FALSE(schedule.contains(all[1]));
}

}  // namespace
}  // namespace siding::cutover

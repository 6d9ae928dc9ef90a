#include "backfill/connection_limit.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace siding::backfill {
namespace {

using namespace std::chrono_literals;

constexpr WallTime start{std::chrono::milliseconds{1'700'000'000'000}};

// A server that gives so many octets a second for each connection, and no more in all.
std::size_t settled(std::uint64_t each, std::uint64_t most, std::chrono::seconds time) {
    ConnectionLimit limit{8, 64};
    for (WallTime now = start; now < start + time; now += 100ms) {
        const std::uint64_t octets = std::min(each * limit.value(), most);
        limit.on_work(octets / 10, 0, true, now);
    }
    return limit.value();
}

TEST(ConnectionLimitTest, grows_while_it_brings_something) {
    EXPECT_EQ(settled(1'000'000, 1'000'000'000, 5s), 64U);  // doubles
    EXPECT_EQ(settled(1'000'000, 8'000'000, 60s), 8U);      // more is no use
    const std::size_t found = settled(1'000'000, 20'000'000, 600s);
    EXPECT_GE(found, 16U);
    EXPECT_LE(found, 22U);
}

TEST(ConnectionLimitTest, nobody_needs_more) {
    ConnectionLimit limit{8, 64};
    for (WallTime now = start; now < start + 1min; now += 100ms) {
        limit.on_work(100'000, 10, false, now);
    }
    EXPECT_EQ(limit.value(), 8U);
}

TEST(ConnectionLimitTest, without_work_it_grows_on_demand) {
    ConnectionLimit limit{8, 64};
    limit.on_wanted(start);
    EXPECT_EQ(limit.value(), 16U);
    limit.on_wanted(start + 100ms);
    EXPECT_EQ(limit.value(), 16U);
    limit.on_wanted(start + 1s);
    EXPECT_EQ(limit.value(), 32U);
}

TEST(ConnectionLimitTest, a_refusal_is_remembered) {
    ConnectionLimit limit{4, 4};
    limit.on_too_many(2, start);
    EXPECT_EQ(limit.value(), 2U);
    limit.on_time(start + 9min);
    EXPECT_EQ(limit.value(), 2U);
    limit.on_time(start + 10min);
    EXPECT_EQ(limit.value(), 3U);
    limit.on_too_many(2, start + 10min);  // twice as long now
    limit.on_time(start + 25min);
    EXPECT_EQ(limit.value(), 2U);
    limit.on_time(start + 30min);
    EXPECT_EQ(limit.value(), 3U);
}

TEST(ConnectionLimitTest, one_is_always_left) {
    ConnectionLimit limit{2, 4};
    limit.on_too_many(0, start);
    EXPECT_EQ(limit.value(), 1U);
    limit.on_throttled(start + 1h);
    EXPECT_EQ(limit.value(), 1U);
    limit.on_let_in(3);
    EXPECT_EQ(limit.value(), 3U);
}

TEST(ConnectionLimitTest, throttling_halves_once_for_one_burst) {
    ConnectionLimit limit{16, 16};
    limit.on_throttled(start);
    limit.on_throttled(start + 1s);
    EXPECT_EQ(limit.value(), 8U);
    limit.on_throttled(start + 10s);
    EXPECT_EQ(limit.value(), 4U);
}

}  // namespace
}  // namespace siding::backfill

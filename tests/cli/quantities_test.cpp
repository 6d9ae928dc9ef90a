#include "cli/quantities.hpp"

#include <gtest/gtest.h>

namespace siding::cli {
namespace {

using namespace std::chrono_literals;

TEST(QuantitiesTest, Numbers) {
    EXPECT_EQ(human_count(0), "0");
    EXPECT_EQ(human_count(999), "999");
    EXPECT_EQ(human_count(1000), "1,000");
    EXPECT_EQ(human_count(1234567), "1,234,567");
    EXPECT_EQ(counted(1, "message"), "1 message");
    EXPECT_EQ(counted(20012, "message"), "20,012 messages");
}

TEST(QuantitiesTest, Sizes) {
    EXPECT_EQ(human_size(0), "0 B");
    EXPECT_EQ(human_size(1023), "1023 B");
    EXPECT_EQ(human_size(1024), "1.0 KiB");
    EXPECT_EQ(human_size(10 * 1024), "10 KiB");
    EXPECT_EQ(human_size(1024 * 1024 - 1), "1.0 MiB");
    EXPECT_EQ(human_size(50ull << 20), "50 MiB");
    EXPECT_EQ(human_size(5ull << 50), "5120 TiB");
}

TEST(QuantitiesTest, Times) {
    const WallTime now = parse_time("2026-11-21T14:07:30Z").value();
    EXPECT_EQ(human_duration(0s), "0s");
    EXPECT_EQ(human_duration(59999ms), "59s");
    EXPECT_EQ(human_duration(90min), "1h");
    EXPECT_EQ(human_duration(47h), "47h");
    EXPECT_EQ(human_duration(48h), "2d");
    EXPECT_EQ(human_age(now - 5min, now), "5m ago");
    EXPECT_EQ(human_age(now + 5min, now), "0s ago");  // a clock stepped back
    EXPECT_EQ(human_age(std::nullopt, now), "-");
    EXPECT_EQ(human_wait(now + 5min, now), "in 5m");
    EXPECT_EQ(human_wait(now - 5min, now), "now");
    EXPECT_EQ(human_time(now), "2026-11-21 14:07:30Z");
}

}  // namespace
}  // namespace siding::cli

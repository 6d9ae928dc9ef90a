#include "config/units.hpp"

#include "config/config.hpp"

#include <gtest/gtest.h>

namespace siding::config {
namespace {

using namespace std::chrono_literals;

TEST(Units, DurationsRoundTrip) {
    const std::pair<const char*, std::chrono::milliseconds> rows[] = {
        {"0ms", 0ms},
        {"1ms", 1ms},
        {"1500ms", 1500ms},
        {"30s", 30s},
        {"90s", 90s},
        {"5m", 5min},
        {"1h", 1h},
        {"2d", 48h},
    };
    for (const auto& [text, duration] : rows) {
        const auto parsed = parse_duration(text);
        ASSERT_TRUE(parsed) << text;
        EXPECT_EQ(*parsed, duration) << text;
        EXPECT_EQ(format_duration(duration), text);
    }
    EXPECT_EQ(*parse_duration("60s"), 1min);  // written back as 1m
}

TEST(Units, SizesRoundTrip) {
    const std::pair<const char*, std::uint64_t> rows[] = {
        {"0B", 0},
        {"1B", 1},
        {"1536B", 1536},
        {"64KiB", 64ull << 10},
        {"50MiB", 50ull << 20},
        {"2GiB", 2ull << 30},
        {"16777215TiB", 16777215ull << 40},  // the largest that 64 bits hold
    };
    for (const auto& [text, size] : rows) {
        const auto parsed = parse_size(text);
        ASSERT_TRUE(parsed) << text;
        EXPECT_EQ(*parsed, size) << text;
        EXPECT_EQ(format_size(size), text);
    }
}

TEST(Units, WrongQuantitiesAreRefused) {
    for (const char* text :
         {"",
          "30",
          "s",
          "-1s",
          "+1s",
          " 1s",
          "1 s",
          "1.5h",
          "1h30m",
          "30S",
          "1w",
          "99999999999999999999s",
          "9223372036854775807d",
          "0x10s"}) {
        EXPECT_FALSE(parse_duration(text)) << text;
    }
    for (const char* text : {"", "50", "50M", "50MB", "50mib", "-1B", "16777216TiB", "1e3B"}) {
        EXPECT_FALSE(parse_size(text)) << text;
    }
    for (const char* text : {"", "5", "101%", "-1%", "5 %", "%"}) {
        EXPECT_FALSE(parse_percent(text)) << text;
    }
    for (const char* text : {"", "-1", "1.0", "1s", "18446744073709551616"}) {
        EXPECT_FALSE(parse_count(text)) << text;
    }
}

TEST(Units, PercentagesRoundTrip) {
    EXPECT_EQ(*parse_percent("5%"), 5U);
    EXPECT_EQ(format_percent(100), "100%");
}

TEST(Units, SharesRoundTrip) {
    const std::pair<const char*, std::uint64_t> rows[] = {
        {"0%", 0},
        {"0.0001%", 1},
        {"0.1%", 1000},
        {"5%", 50'000},
        {"99.95%", 999'500},
        {"100%", 1'000'000},
    };
    for (const auto& [text, millionths] : rows) {
        const auto parsed = parse_share(text);
        ASSERT_TRUE(parsed) << text;
        EXPECT_EQ(*parsed, millionths) << text;
        EXPECT_EQ(format_share(millionths), text);
    }
    for (const char* text :
         {"", "%", "0.99", "100.1%", "101%", ".5%", "5.%", "0.00001%", "1.2.3%", "-1%", "1,5%"}) {
        EXPECT_FALSE(parse_share(text)) << text;
    }
}

TEST(Units, PartsOfADayRoundTrip) {
    for (const char* text : {"08:00-18:30", "22:00-06:00", "00:00-24:00", "23:59-00:00"}) {
        const auto parsed = parse_day_time(text);
        ASSERT_TRUE(parsed) << text;
        EXPECT_EQ(format_day_time(*parsed), text);
    }
    EXPECT_EQ(parse_day_time("08:00-18:30")->to, std::chrono::minutes{18 * 60 + 30});
    for (const char* text :
         {"",
          "08:00",
          "8:00-18:00",
          "08:00-08:00",
          "08:00-18:60",
          "24:00-06:00",
          "08:00-24:01",
          "08:00 - 18:00",
          "08:00-18:00-19:00"}) {
        EXPECT_FALSE(parse_day_time(text)) << text;
    }
}

TEST(DiskReserve, IsTheLargerOfTwoGibibytesAndATwentieth) {
    const auto reserve = DiskReserve::automatic();
    EXPECT_EQ(reserve.bytes(10ull << 30), 2ull << 30);
    EXPECT_EQ(reserve.bytes(100ull << 30), 5ull << 30);
    EXPECT_EQ(DiskReserve::of_percent(10).bytes(10ull << 30), (10ull << 30) / 100 * 10);
    EXPECT_EQ(DiskReserve::of_bytes(1ull << 30).bytes(1000), 1ull << 30);
    // What memtables and one look at the disk may still need, whatever was asked for.
    EXPECT_EQ(DiskReserve::of_bytes(7).bytes(1000), 256ull << 20);
    EXPECT_EQ(DiskReserve::of_percent(1).bytes(1000), 256ull << 20);
}

TEST(DiskReserve, RoundTrips) {
    for (const char* text : {"auto", "3GiB", "5%"}) {
        EXPECT_EQ(DiskReserve::parse(text)->text(), text);
    }
    EXPECT_FALSE(DiskReserve::parse("automatic"));
}

}  // namespace
}  // namespace siding::config

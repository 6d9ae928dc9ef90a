#include "backfill/bandwidth.hpp"

#include <gtest/gtest.h>

namespace siding::backfill {
namespace {

using namespace std::chrono_literals;

TEST(BandwidthTest, octets_take_their_time) {
    std::uint64_t per_second = 1000;
    Bandwidth bandwidth{[&per_second] { return per_second; }};
    const Bandwidth::Time start{10s};
    const auto first = bandwidth.ask(500, start);
    const auto second = bandwidth.ask(500, start);  // two accounts share it
    EXPECT_EQ(bandwidth.left(first, start), 500ms);
    EXPECT_EQ(bandwidth.left(second, start), 1s);
    EXPECT_FALSE(bandwidth.left(first, start + 500ms));
    EXPECT_EQ(bandwidth.left(second, start + 500ms), 500ms);
    EXPECT_FALSE(bandwidth.left(second, start + 1s));
    const auto third = bandwidth.ask(100, start + 9s);  // nothing is saved up
    EXPECT_EQ(bandwidth.left(third, start + 9s), 100ms);
}

TEST(BandwidthTest, another_rate_counts_for_those_who_wait) {
    std::uint64_t per_second = 1000;
    Bandwidth bandwidth{[&per_second] { return per_second; }};
    const Bandwidth::Time start{10s};
    const auto place = bandwidth.ask(10'000, start);
    EXPECT_EQ(bandwidth.left(place, start), 10s);
    per_second = 9000;
    EXPECT_EQ(bandwidth.left(place, start), 10'000'000'000ns / 9);
    per_second = 0;
    EXPECT_FALSE(bandwidth.left(place, start));
    EXPECT_FALSE(bandwidth.is_bounded());
}

}  // namespace
}  // namespace siding::backfill

#include "backfill/bandwidth.hpp"

#include <gtest/gtest.h>

namespace siding::backfill {
namespace {

using namespace std::chrono_literals;

TEST(BandwidthTest, octets_take_their_time) {
    std::uint64_t per_second = 1000;
    Bandwidth bandwidth{[&per_second] { return per_second; }};
    const Bandwidth::Time start{10s};
    EXPECT_EQ(bandwidth.spend(500, start), start + 500ms);
    EXPECT_EQ(bandwidth.spend(500, start), start + 1s);           // two accounts share it
    EXPECT_EQ(bandwidth.spend(100, start + 9s), start + 9100ms);  // nothing is saved up
    per_second = 0;
    EXPECT_EQ(bandwidth.spend(1'000'000, start + 9s), start + 9s);
}

}  // namespace
}  // namespace siding::backfill

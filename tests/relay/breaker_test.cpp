#include "relay/breaker.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace siding::relay {
namespace {

using namespace std::chrono_literals;
using enum Breaker::State;

constexpr WallTime start{1'000'000'000ms};

TEST(BreakerTest, OneFailureOpensWhenNothingElseSpeaksForTheServer) {
    Breaker breaker{1s, 60s};
    EXPECT_TRUE(breaker.admits(start, true));
    EXPECT_TRUE(breaker.on_failure(start, false));
    EXPECT_EQ(breaker.state(start), open);
    EXPECT_FALSE(breaker.admits(start + 999ms, false));
    EXPECT_FALSE(breaker.on_failure(start, false)) << "a connection from before";
    EXPECT_EQ(breaker.open_until(), start + 1s);
}

TEST(BreakerTest, OneProbeAtATimeThenItsEndDecides) {
    Breaker breaker{1s, 60s};
    breaker.on_failure(start, false);
    const WallTime later = start + 1s;
    EXPECT_EQ(breaker.state(later), half_open);
    EXPECT_TRUE(breaker.admits(later, false));
    EXPECT_FALSE(breaker.admits(later, true));
    EXPECT_TRUE(breaker.on_failure(later, true)) << "a probe that fails is enough";
    EXPECT_EQ(breaker.open_until(), later + 2s);
    breaker.on_success();
    EXPECT_EQ(breaker.state(later), closed);
    EXPECT_TRUE(breaker.admits(later, true));
}

TEST(BreakerTest, WaitsDoubleAndNeverEnd) {
    Breaker breaker{1s, 60s};
    std::vector<std::chrono::milliseconds> waits;
    WallTime now = start;
    for (int i = 0; i < 100; ++i) {
        breaker.on_failure(now, false);
        waits.push_back(breaker.open_until() - now);
        now = breaker.open_until();
    }
    waits.resize(8);
    EXPECT_EQ(waits, (std::vector<std::chrono::milliseconds>{1s, 2s, 4s, 8s, 16s, 32s, 60s, 60s}));
    EXPECT_TRUE(breaker.admits(now, false));
}

TEST(BreakerTest, BesideConnectionsThatWorkItTakesThreeInARow) {
    Breaker breaker{1s, 60s};
    EXPECT_FALSE(breaker.on_failure(start, true));
    EXPECT_FALSE(breaker.on_failure(start, true));
    breaker.on_success();
    EXPECT_FALSE(breaker.on_failure(start, true));
    EXPECT_FALSE(breaker.on_failure(start, true));
    EXPECT_TRUE(breaker.on_failure(start, true));
    EXPECT_EQ(breaker.state(start), open);
}

TEST(BreakerTest, AClockThatIsSetBackMakesNoHoursOfAMinute) {
    Breaker breaker{1s, 60s};
    breaker.on_failure(start, false);
    breaker.on_clock(start - 24h);
    EXPECT_EQ(breaker.open_until(), start - 24h + 60s);
}

}  // namespace
}  // namespace siding::relay

#include "relay/concurrency.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace siding::relay {
namespace {

using namespace std::chrono_literals;
using enum Concurrency::Pressure;

constexpr WallTime start{1'000'000'000ms};

LaneLimits limits() {
    LaneLimits out;
    out.connections = 10;
    out.connections_start = 2;
    out.growth_deliveries = 50;
    out.cool_down = 60s;
    out.cool_down_longest = 30min;
    out.reputation_cool_down = 10min;
    return out;
}

void deliver(Concurrency& concurrency, int times) {
    for (int i = 0; i < times; ++i) {
        concurrency.on_delivered();
    }
}

TEST(ConcurrencyTest, GrowsByOneForEachRunOfDeliveriesUpToItsBound) {
    Concurrency concurrency{limits()};
    EXPECT_EQ(concurrency.allowed(), 2U);
    deliver(concurrency, 49);
    EXPECT_EQ(concurrency.allowed(), 2U);
    deliver(concurrency, 1);
    EXPECT_EQ(concurrency.allowed(), 3U);
    deliver(concurrency, 50 * 20);
    EXPECT_EQ(concurrency.allowed(), 10U);
    EXPECT_FALSE(concurrency.is_cooling(start));
}

TEST(ConcurrencyTest, BackPressureHalvesAndCools) {
    Concurrency concurrency{limits()};
    deliver(concurrency, 50 * 20);
    EXPECT_TRUE(concurrency.on_back_pressure(load, start));
    EXPECT_EQ(concurrency.allowed(), 5U);
    EXPECT_EQ(concurrency.cool_until(), start + 60s);
    EXPECT_TRUE(concurrency.is_cooling(start + 59s));
    EXPECT_FALSE(concurrency.is_cooling(start + 60s));
}

TEST(ConcurrencyTest, OtherConnectionsHearTheSameAnswerAndItCountsOnce) {
    Concurrency concurrency{limits()};
    deliver(concurrency, 50 * 20);
    concurrency.on_back_pressure(load, start);
    EXPECT_FALSE(concurrency.on_back_pressure(load, start + 1s));
    EXPECT_EQ(concurrency.allowed(), 5U);
    EXPECT_EQ(concurrency.cool_until(), start + 60s);
}

TEST(ConcurrencyTest, TheCoolDownDoublesUpToTheLongest) {
    Concurrency concurrency{limits()};
    std::vector<std::chrono::milliseconds> waits;
    WallTime now = start;
    for (int i = 0; i < 8; ++i) {
        concurrency.on_back_pressure(load, now);
        waits.push_back(concurrency.cool_until() - now);
        now = concurrency.cool_until();
        EXPECT_EQ(concurrency.allowed(), 1U) << "never less";
    }
    EXPECT_EQ(
        waits,
        (std::vector<std::chrono::milliseconds>{1min, 2min, 4min, 8min, 16min, 30min, 30min, 30min})
    );
    deliver(concurrency, 50);
    concurrency.on_back_pressure(load, now);
    EXPECT_EQ(concurrency.cool_until() - now, 1min) << "a run of deliveries is a new beginning";
}

TEST(ConcurrencyTest, ReputationWantsALongerWait) {
    Concurrency concurrency{limits()};
    concurrency.on_back_pressure(reputation, start);
    EXPECT_EQ(concurrency.cool_until(), start + 10min);
    Concurrency other{limits()};
    other.on_back_pressure(load, start);
    EXPECT_FALSE(other.on_back_pressure(reputation, start + 1s));
    EXPECT_EQ(other.cool_until(), start + 1s + 10min);
    EXPECT_EQ(other.allowed(), 1U) << "halved once";
}

TEST(ConcurrencyTest, AClockThatIsSetBackMakesNoHoursOfAMinute) {
    Concurrency concurrency{limits()};
    concurrency.on_back_pressure(load, start);
    const WallTime before = start - 24h;
    concurrency.on_clock(before);
    EXPECT_EQ(concurrency.cool_until(), before + 60s);
}

TEST(ConcurrencyTest, AReloadKeepsWhatWasLearntWithinItsBounds) {
    Concurrency concurrency{limits()};
    deliver(concurrency, 50 * 20);
    LaneLimits fewer = limits();
    fewer.connections = 4;
    concurrency.set_limits(fewer);
    EXPECT_EQ(concurrency.allowed(), 4U);
    LaneLimits more = limits();
    more.connections = 20;
    more.connections_start = 8;
    concurrency.set_limits(more);
    EXPECT_EQ(concurrency.allowed(), 8U);
    concurrency.on_back_pressure(load, start);
    more.connections_start = 20;
    concurrency.set_limits(more);
    EXPECT_EQ(concurrency.allowed(), 4U) << "the server has said what it thinks";
}

}  // namespace
}  // namespace siding::relay

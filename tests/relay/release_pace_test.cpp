#include "relay/release_pace.hpp"

#include <gtest/gtest.h>

namespace siding::relay {
namespace {

using namespace std::chrono_literals;

const ReleasePace::Time start{1h};

// Recipients that go in a minute of looks, each as soon as the pace says.
std::uint64_t run_for_a_minute(ReleasePace& pace) {
    std::uint64_t gone = 0;
    for (auto now = start; now < start + 1min;
         now += std::max<std::chrono::milliseconds>(pace.wait(), 1ms)) {
        const std::uint64_t allowed = pace.allowed(now);
        pace.took(allowed);
        gone += allowed;
    }
    return gone;
}

TEST(ReleasePaceTest, NoRateIsNoBound) {
    ReleasePace pace{0, start};
    EXPECT_EQ(pace.allowed(start), UINT64_MAX);
    pace.took(1'000'000);
    EXPECT_EQ(pace.allowed(start), UINT64_MAX);
    EXPECT_EQ(pace.wait(), 0ms);
}

TEST(ReleasePaceTest, KeepsTheRate) {
    for (const std::uint64_t rate : {1ULL, 60ULL, 250ULL, 6'000ULL, 600'000ULL}) {
        ReleasePace pace{rate, start};
        const std::uint64_t gone = run_for_a_minute(pace);
        EXPECT_GE(gone, rate - rate / 50) << rate;
        EXPECT_LE(gone, rate + 1) << rate;
    }
}

TEST(ReleasePaceTest, TheFirstGoesAtOnceAndTheNextInItsTurn) {
    ReleasePace pace{60, start};
    EXPECT_EQ(pace.allowed(start), 1U);
    pace.took(1);
    EXPECT_EQ(pace.allowed(start), 0U);
    EXPECT_EQ(pace.wait(), 1s);
    EXPECT_EQ(pace.allowed(start + 999ms), 0U);
    EXPECT_EQ(pace.allowed(start + 1s), 1U);
}

// A server that was slow, a machine that slept: no burst makes up for it.
TEST(ReleasePaceTest, WhatWasNotUsedIsGone) {
    ReleasePace pace{6'000, start};
    EXPECT_LE(pace.allowed(start + 1h), 50U);
    ReleasePace fastest{UINT64_MAX, start};
    EXPECT_GT(fastest.allowed(start + 24h), 0U);
}

}  // namespace
}  // namespace siding::relay

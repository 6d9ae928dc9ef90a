#include "relay/release_watch.hpp"

#include <gtest/gtest.h>

namespace siding::relay {
namespace {

using namespace std::chrono_literals;
using Step = CanaryDecision::Step;

TEST(CanaryTest, WaitsForAllAndStopsAboveTheThreshold) {
    struct Row {
        CanaryOutcome outcome;
        unsigned percent;
        Step step;
    };
    const auto of = [](std::uint64_t delivered,
                       std::uint64_t parked,
                       std::uint64_t deferred,
                       std::uint64_t waiting) {
        CanaryOutcome out;
        out.delivered = delivered;
        out.parked = parked;
        out.deferred = deferred;
        out.waiting = waiting;
        return out;
    };
    const std::vector<Row> rows{
        {of(0, 0, 0, 10), 5, Step::wait},
        {of(9, 0, 0, 1), 5, Step::wait},
        {of(10, 0, 0, 0), 5, Step::go},
        {of(0, 0, 0, 0), 5, Step::go},     // nothing matched, or all were held again
        {of(0, 1, 0, 9), 5, Step::stop},   // 10% whatever becomes of the others
        {of(0, 0, 1, 9), 5, Step::stop},   // deferred counts as well
        {of(0, 1, 0, 9), 10, Step::wait},  // not above it
        {of(9, 1, 0, 0), 10, Step::go},
        {of(98, 1, 1, 0), 1, Step::stop},
        {of(999, 1, 0, 0), 0, Step::stop},  // who asks for a canary and no threshold wants none bad
        {of(1000, 0, 0, 0), 0, Step::go},
    };
    for (const Row& row : rows) {
        const auto decision = decide_canary(row.outcome, row.percent);
        EXPECT_EQ(decision.step, row.step) << row.outcome.delivered << " " << row.outcome.parked;
        EXPECT_EQ(decision.why.empty(), row.step != Step::stop);
    }
    CanaryOutcome bad = of(7, 2, 1, 0);
    bad.reply = "550 5.1.1 no such user";
    EXPECT_EQ(
        decide_canary(bad, 5).why,
        "of the canary's 10, 2 parked, 1 deferred: 550 5.1.1 no such user"
    );
}

TEST(RejectWatchTest, PausesAboveTheThresholdOfTheLastOutcomes) {
    RejectWatch watch{5};
    watch.restart(0, 0);
    EXPECT_FALSE(watch.check(0, 19)) << "too few to judge";
    EXPECT_TRUE(watch.check(0, 20));
    watch.restart(0, 20);
    EXPECT_FALSE(watch.check(19, 21)) << "5% of twenty";
    EXPECT_TRUE(watch.check(19, 22));
}

TEST(RejectWatchTest, OldSuccessHidesNothing) {
    RejectWatch watch{5};
    watch.restart(0, 0);
    for (std::uint64_t delivered = 0; delivered <= 100'000; delivered += 50) {
        ASSERT_FALSE(watch.check(delivered, 0));
    }
    std::uint64_t parked = 0;
    while (parked < 100 && !watch.check(100'000, parked)) {
        ++parked;
    }
    EXPECT_LE(parked, 15U);
}

TEST(RejectWatchTest, NeverMeansNeverAndWhatLeavesIsNoReject) {
    RejectWatch never{0};
    never.restart(0, 0);
    EXPECT_FALSE(never.check(0, 1000));
    RejectWatch watch{5};
    watch.restart(0, 100);
    EXPECT_FALSE(watch.check(0, 50)) << "parked ones were released anew";
    EXPECT_FALSE(watch.check(10, 50));
    EXPECT_TRUE(watch.check(10, 61));
}

TEST(ThroughputTest, IsTheLastMinutes) {
    Throughput throughput;
    const Throughput::Time start{1h};
    EXPECT_EQ(throughput.per_minute(), 0);
    throughput.add(start, 0);
    EXPECT_EQ(throughput.per_minute(), 0);
    for (int second = 1; second <= 600; ++second) {
        throughput.add(start + second * 1s, static_cast<std::uint64_t>(second) * 10);
    }
    EXPECT_NEAR(throughput.per_minute(), 600, 1);
    for (int second = 601; second <= 700; ++second) {
        throughput.add(start + second * 1s, 6000);
    }
    EXPECT_EQ(throughput.per_minute(), 0);
    throughput.add(start + 701s, 10);
    EXPECT_EQ(throughput.per_minute(), 0) << "begins anew where counts go back";
}

TEST(TimeLeftTest, TheSlowerOfRateAndServer) {
    EXPECT_EQ(time_left({}), 0s);
    EXPECT_EQ(time_left({.left = 100, .waiting = 20, .ended_per_minute = 60}), 120s);
    EXPECT_EQ(
        time_left({.left = 100, .waiting = 0, .rate_per_minute = 10, .ended_per_minute = 60}), 600s
    );
    EXPECT_EQ(time_left({.left = 100, .waiting = 0, .rate_per_minute = 10}), 600s);
    EXPECT_EQ(time_left({.left = 100, .waiting = 5}), std::nullopt);
    EXPECT_TRUE(time_left({.left = UINT64_MAX / 2, .ended_per_minute = 0.001}).has_value());
}

}  // namespace
}  // namespace siding::relay

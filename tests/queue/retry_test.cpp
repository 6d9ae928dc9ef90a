#include "queue/retry.hpp"

#include <gtest/gtest.h>

#include <set>

namespace siding::queue {
namespace {

using namespace std::chrono_literals;

const WallTime noon = parse_time("2026-11-21T12:00:00Z").value();
const std::vector<std::chrono::seconds> steps{1min, 5min, 15min, 1h};

TEST(Retry, FollowsTheStepsAndRepeatsTheLastForEver) {
    const RetrySchedule schedule{steps};
    const std::vector<std::pair<std::uint32_t, std::chrono::seconds>> cases{
        {0, 1min},  // never tried counts as the first
        {1, 1min},
        {2, 5min},
        {3, 15min},
        {4, 1h},
        {5, 1h},
        {1000, 1h},
        {UINT32_MAX, 1h},
    };
    for (const auto& [attempts, step] : cases) {
        for (std::uint32_t number = 0; number < 200; ++number) {
            const auto wait =
                schedule.next_attempt(attempts, {MessageId{1234567}, number}, noon) - noon;
            EXPECT_GE(wait, step) << attempts;
            EXPECT_LE(wait, step + step / 10) << attempts;
        }
    }
}

TEST(Retry, IsTheSameEachTime) {
    const RetrySchedule schedule{steps};
    const RecipientId id{MessageId{42}, 1};
    EXPECT_EQ(schedule.next_attempt(2, id, noon), schedule.next_attempt(2, id, noon));
    EXPECT_EQ(schedule.next_attempt(2, id, noon + 1s), schedule.next_attempt(2, id, noon) + 1s);
}

TEST(Retry, SpreadsABacklog) {
    const RetrySchedule schedule{steps};
    std::set<WallTime> times;
    for (std::uint64_t i = 0; i < 1000; ++i) {
        times.insert(schedule.next_attempt(4, {MessageId{MessageId::at(noon).value() + i}, 0}, noon)
        );
    }
    EXPECT_GT(times.size(), 900U);
    const auto range = *times.rbegin() - *times.begin();
    EXPECT_GT(range, 5min);
}

TEST(Retry, TakesAScheduleWithoutAWait) {
    const RetrySchedule schedule{{0s}};
    EXPECT_EQ(schedule.next_attempt(1, {MessageId{9}, 0}, noon), noon);
}

}  // namespace
}  // namespace siding::queue

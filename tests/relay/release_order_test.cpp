#include "relay/release_order.hpp"

#include <gtest/gtest.h>

namespace siding::relay {
namespace {

using namespace std::chrono_literals;

queue::ReleaseJob make_job() {
    queue::ReleaseJob job;
    job.filter.domain = Domain::parse("example.com").value();
    job.filter.state = queue::State::held;
    return job;
}

TEST(ReleaseOrderTest, OldestIsOnePass) {
    const auto plan = plan_release(make_job());
    ASSERT_EQ(plan.size(), 1U);
    EXPECT_EQ(plan[0].filter, make_job().filter);
    EXPECT_EQ(plan[0].octets_max, UINT64_MAX);
    EXPECT_EQ(plan[0].lead, 0ms);
}

// Every size is in exactly one class, and what the order asks for stays in force.
TEST(ReleaseOrderTest, SmallFirstIsAClassAfterTheOther) {
    auto job = make_job();
    job.order = queue::ReleaseOrder::small_first;
    for (const std::uint64_t larger : {0ULL, 70'000ULL, 1ULL << 40}) {
        job.filter.larger_octets = larger;
        const auto plan = plan_release(job);
        for (const std::uint64_t size :
             {0ULL, 1ULL, 65'536ULL, 65'537ULL, 1ULL << 20, 11ULL << 20, 1ULL << 41}) {
            int passes = 0;
            for (const ReleasePass& pass : plan) {
                passes += size > pass.filter.larger_octets.value_or(0) && size <= pass.octets_max;
            }
            EXPECT_EQ(passes, size > larger ? 1 : 0) << size;
        }
        for (std::size_t i = 1; i < plan.size(); ++i) {
            EXPECT_GT(plan[i - 1].lead, plan[i].lead);
            EXPECT_LT(plan[i - 1].octets_max, plan[i].octets_max);
        }
        EXPECT_EQ(plan.back().lead, 0ms);
    }
    job.filter.larger_octets.reset();
    EXPECT_FALSE(plan_release(job)[0].filter.larger_octets) << "empty messages are messages";
}

TEST(ReleaseOrderTest, WhoGoesFirstGoesBeforeAll) {
    auto job = make_job();
    job.first = {"Boss@Example.com", "@example.com", "else@example.org", "no address"};
    const auto plan = plan_release(job);
    ASSERT_EQ(plan.size(), 3U) << "other domains are no part of the order";
    EXPECT_EQ(plan[0].filter.recipient, "boss@example.com");
    EXPECT_FALSE(plan[1].filter.recipient);
    EXPECT_EQ(plan[0].lead, plan[1].lead);
    EXPECT_EQ(plan[0].lead, 1ms);
    EXPECT_FALSE(plan[2].goes_first);
    EXPECT_EQ(plan[2].lead, 0ms);

    job.filter.recipient = "joe@example.com";
    for (const ReleasePass& pass : plan_release(job)) {
        EXPECT_EQ(pass.filter.recipient, "joe@example.com");
    }
}

TEST(ReleaseOrderTest, ACanaryIsNotMadeOfThose) {
    auto job = make_job();
    job.first = {"Boss@Example.com"};
    const auto plan = plan_canary(job);
    ASSERT_EQ(plan.size(), 1U);
    EXPECT_EQ(plan[0].except, std::set<std::string>{"boss@example.com"});
}

}  // namespace
}  // namespace siding::relay

#include "relay/token_bucket.hpp"

#include <gtest/gtest.h>

namespace siding::relay {
namespace {

using namespace std::chrono_literals;

constexpr WallTime start{1'000'000'000ms};

// Of one try in each millisecond.
int taken(TokenBucket& bucket, WallTime from, std::chrono::milliseconds time) {
    int out = 0;
    for (WallTime now = from; now < from + time; now += 1ms) {
        out += bucket.take(now) ? 1 : 0;
    }
    return out;
}

TEST(TokenBucketTest, GivesItsRateAndAtFirstTheReserve) {
    TokenBucket bucket{60};
    EXPECT_EQ(taken(bucket, start, 1min), 60 + 6 - 1);
    EXPECT_EQ(taken(bucket, start + 1min, 1min), 60);
}

TEST(TokenBucketTest, SaysWhenTheNextIsReady) {
    TokenBucket bucket{20};
    EXPECT_TRUE(bucket.take(start));
    EXPECT_TRUE(bucket.take(start));
    EXPECT_FALSE(bucket.take(start));
    const WallTime ready = bucket.ready_at(start);
    EXPECT_EQ(ready, start + 3s);
    EXPECT_FALSE(bucket.take(ready - 1ms));
    EXPECT_TRUE(bucket.take(ready));
    bucket.put_back();
    EXPECT_TRUE(bucket.take(ready));
}

TEST(TokenBucketTest, AClockThatJumpsAheadFillsTheReserveAndNoMore) {
    TokenBucket bucket{600};
    taken(bucket, start, 10s);
    EXPECT_EQ(taken(bucket, start + 100 * 24h, 1ms), 1);
    int at_once = 0;
    while (bucket.take(start + 200 * 24h)) {
        ++at_once;
    }
    EXPECT_EQ(at_once, 60);
}

TEST(TokenBucketTest, AClockThatIsSetBackCostsNothing) {
    TokenBucket bucket{60};
    taken(bucket, start, 1min);
    const WallTime before = start - 24h;
    EXPECT_LE(bucket.ready_at(before), before + 1s);
    EXPECT_NEAR(taken(bucket, before, 1min), 60, 1);
    bucket.block(start + 30min);
    EXPECT_LE(bucket.ready_at(before), before + 1h);
}

TEST(TokenBucketTest, NoRateIsNoLimitButMayBeBlocked) {
    TokenBucket bucket;
    for (int i = 0; i < 1000; ++i) {
        EXPECT_TRUE(bucket.take(start));
    }
    bucket.block(start + 5s);
    EXPECT_FALSE(bucket.take(start + 4s));
    EXPECT_TRUE(bucket.take(start + 5s));
}

TEST(TokenBucketsTest, EachNameHasItsOwnAndIdleOnesAreForgotten) {
    TokenBuckets buckets{2};
    buckets.set_rate(60);
    for (int i = 0; i < 6; ++i) {
        EXPECT_TRUE(buckets.take("a", start));
    }
    EXPECT_FALSE(buckets.take("a", start));
    EXPECT_TRUE(buckets.take("b", start));
    EXPECT_TRUE(buckets.take("c", start)) << "no room: no limit";
    EXPECT_EQ(buckets.size(), 2U);
    const WallTime later = start + 1min;
    EXPECT_TRUE(buckets.take("c", later));
    EXPECT_EQ(buckets.size(), 1U);
    EXPECT_EQ(buckets.ready_at("never heard of", later), later);
}

TEST(TokenBucketsTest, WithoutARateOnlyTheBlockedOnesCostMemory) {
    TokenBuckets buckets;
    EXPECT_TRUE(buckets.take("a", start));
    EXPECT_EQ(buckets.size(), 0U);
    buckets.block("b", start, start + 1min);
    EXPECT_FALSE(buckets.take("b", start));
    EXPECT_TRUE(buckets.take("b", start + 1min));
    EXPECT_TRUE(buckets.take("a", start));
    EXPECT_EQ(buckets.size(), 1U);
}

}  // namespace
}  // namespace siding::relay

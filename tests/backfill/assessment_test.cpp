#include "backfill/assessment.hpp"

#include <gtest/gtest.h>

namespace siding::backfill {
namespace {

using namespace std::chrono_literals;

Assessment account(std::uint64_t messages, std::uint64_t octets) {
    Assessment made;
    made.messages = messages;
    made.octets = octets;
    return made;
}

TEST(Assessment, RatesAreMeasuredOrSayThatTheyAreNot) {
    const CopyRate measured = copy_rate(1000, 50'000'000, 10s);
    EXPECT_TRUE(measured.is_measured);
    EXPECT_DOUBLE_EQ(measured.messages, 100);
    EXPECT_DOUBLE_EQ(measured.octets, 5'000'000);
    EXPECT_FALSE(copy_rate(10, 50'000'000, 10s).is_measured);
    EXPECT_FALSE(copy_rate(1000, 50'000'000, 1s).is_measured);
    EXPECT_GT(copy_rate(0, 0, 0s).messages, 0);
}

TEST(Assessment, TimeIsThatOfTheSlowest) {
    const Assessment many = account(10'000, 1'000'000);   // 100 s by messages
    const Assessment large = account(10, 1'000'000'000);  // 200 s by octets
    AssessTerms terms{.rate = {.messages = 100, .octets = 5'000'000, .is_measured = true}};
    EXPECT_EQ(time_needed({&many}, terms).working, 100s);
    EXPECT_EQ(time_needed({&large}, terms).working, 200s);
    EXPECT_EQ(time_needed({&many, &large}, terms).working, 300s);
    terms.accounts_at_once = 8;
    EXPECT_EQ(time_needed({&many, &large}, terms).working, 200s);
    terms.bandwidth = 1'000'000;
    EXPECT_EQ(time_needed({&many, &large}, terms).working, 1001s);
    EXPECT_EQ(time_needed({}, terms).working, 0s);
}

TEST(Assessment, BudgetsMakeDays) {
    Assessment half = account(1000, 1'000'000'000);
    half.copied_messages = 500;
    half.copied_octets = 400'000'000;
    const Assessment whole = account(10, 100'000'000);
    AssessTerms terms{.rate = {.messages = 100, .octets = 5'000'000, .is_measured = false}};
    EXPECT_EQ(time_needed({&half, &whole}, terms).days, 0U);
    terms.daily = 500'000'000;
    EXPECT_EQ(time_needed({&half, &whole}, terms).days, 2U);
    terms.daily_account = 100'000'000;
    EXPECT_EQ(time_needed({&half, &whole}, terms).days, 6U);
    EXPECT_EQ(time_needed({&whole}, terms).days, 1U);
    half.copied_octets = 2'000'000'000;  // of what the source has expunged since
    EXPECT_EQ(half.octets_left(), 0U);
}

}  // namespace
}  // namespace siding::backfill

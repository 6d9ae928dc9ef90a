#include "backfill/sample.hpp"

#include <gtest/gtest.h>

#include <map>

namespace siding::backfill {
namespace {

TEST(Sample, SizesAreSharesOrNumbers) {
    struct Row {
        const char* text;
        std::uint64_t messages;
        std::uint64_t expected;
    };
    for (const Row& row :
         {Row{"5%", 12'000, 600},
          Row{"5%", 1, 1},  // some of every mailbox
          Row{"5%", 0, 0},
          Row{"0.01%", 1'000'000, 100},
          Row{"12.5%", 8, 1},
          Row{"100%", 77, 77},
          Row{"33.33%", 10'001, 3334},
          Row{"600", 12'000, 600},
          Row{"600", 599, 599}}) {
        const auto size = SampleSize::parse(row.text);
        ASSERT_TRUE(size) << row.text;
        EXPECT_EQ(size->of(row.messages), row.expected) << row.text << " of " << row.messages;
    }
    EXPECT_EQ(SampleSize::parse("12.50%")->text(), "12.50%");
    EXPECT_EQ(SampleSize::parse("5.0%")->text(), "5%");
    for (const char* text : {"", "%", "0%", "101%", "-1", "0", "5 %", "1.234%", "five", "1e3"}) {
        EXPECT_FALSE(SampleSize::parse(text)) << text;
    }
}

TEST(Sample, ChoosesEachAsOftenAsAnyOther) {
    ImapSet from{3, 12};
    from.add(100, 109);
    std::map<std::uint64_t, int> times;
    for (std::uint64_t seed = 1; seed <= 2000; ++seed) {
        const ImapSet chosen = choose(from, 5, seed);
        ASSERT_EQ(chosen.count(), 5U);
        EXPECT_TRUE(chosen.minus(from).empty());
        for (const std::uint64_t uid : chosen.numbers(5)) {
            ++times[uid];
        }
    }
    EXPECT_EQ(times.size(), 20U);
    for (const auto& [uid, count] : times) {
        EXPECT_NEAR(count, 500, 100) << uid;  // five standard deviations
    }
    EXPECT_EQ(choose(from, 5, 42), choose(from, 5, 42));
    EXPECT_EQ(choose(from, 50, 1), from);
    EXPECT_TRUE(choose(ImapSet{}, 5, 1).empty());
}

TEST(Sample, BoundsAreThoseOfClopperAndPearson) {
    struct Row {
        std::uint64_t wrong, looked_at;
        double expected;
    };
    for (const Row& row :
         {Row{0, 600, 0.004980},  // the rule of three: 0.005
          Row{0, 59, 0.049510},
          Row{0, 1, 0.95},
          Row{1, 100, 0.046558},
          Row{5, 100, 0.102253},
          Row{3, 20, 0.343662},
          Row{7, 7, 1},
          Row{0, 0, 1}}) {
        EXPECT_NEAR(wrong_share_max(row.wrong, row.looked_at), row.expected, 1e-4)
            << row.wrong << " of " << row.looked_at;
    }
}

TEST(Sample, CountsNoMoreThanTheSmallestShareProves) {
    EXPECT_EQ(effective_sample({{10'000, 500}, {2000, 100}}), 600U);
    // 100 of 100,000 say little, though a small mailbox was looked at whole.
    EXPECT_EQ(effective_sample({{100'000, 100}, {50, 50}, {0, 0}}), 100U);
    EXPECT_EQ(effective_sample({{20, 20}, {30, 30}}), 50U);
    EXPECT_EQ(effective_sample({}), 0U);
}

}  // namespace
}  // namespace siding::backfill

#include "backfill/imap_set.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>

namespace siding::backfill {
namespace {

constexpr std::uint64_t top = UINT64_MAX;

ImapSet set(std::string_view text) {
    return ImapSet::parse(text).value();
}

TEST(ImapSet, ReadsAndWrites) {
    struct Row {
        std::string_view text;
        std::string_view expected;  // empty: no set
    };
    const Row rows[] = {
        {"1", "1"},
        {"1:4,7", "1:4,7"},
        {"7,1:4", "1:4,7"},
        {"4:2", "2:4"},
        {"1,2,3", "1:3"},
        {"1:5,3:9", "1:9"},
        {"1:2,3:4", "1:4"},
        {"5,5,5", "5"},
        {"0", "0"},
        {"12:*", "12:18446744073709551615"},
        {"*:12", "12:18446744073709551615"},
        {"*", "18446744073709551615"},
        {"1:*,7", "1:18446744073709551615"},
        {"18446744073709551616", ""},
        {"", ""},
        {",", ""},
        {"1,", ""},
        {"1:", ""},
        {":1", ""},
        {"1:2:3", ""},
        {"a", ""},
        {"-1", ""},
        {" 1", ""},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.text);
        const auto parsed = ImapSet::parse(row.text);
        EXPECT_EQ(parsed ? parsed->text() : "", row.expected);
        if (!parsed) {
            EXPECT_TRUE(parsed.error().is(Errc::invalid_argument));
        }
    }
    EXPECT_EQ(ImapSet::parse("3:*", 9).value().text(), "3:9");
    EXPECT_EQ(ImapSet::parse("12:*", 9).value().text(), "9:12");  // RFC 9051 §9: always the last
}

TEST(ImapSet, KeepsAServersOrder) {
    using Numbers = std::vector<std::uint64_t>;
    EXPECT_EQ(ImapSet::in_order("7,3:5", 10).value(), (Numbers{7, 3, 4, 5}));
    EXPECT_EQ(ImapSet::in_order("5:3", 3).value(), (Numbers{3, 4, 5}));
    EXPECT_EQ(ImapSet::in_order("4,4", 3).value(), (Numbers{4, 4}));
    EXPECT_EQ(
        ImapSet::in_order("18446744073709551614:18446744073709551615", 2).value(),
        (Numbers{top - 1, top})
    );
    for (const char* many :
         {"1:4", "1,2,3,4", "1:18446744073709551615", "0:18446744073709551615"}) {
        const auto numbers = ImapSet::in_order(many, 3);
        EXPECT_TRUE(!numbers && numbers.error().is(Errc::limit_exceeded)) << many;
    }
    for (const char* none : {"", "1:*", "x"}) {
        const auto numbers = ImapSet::in_order(none, 3);
        EXPECT_TRUE(!numbers && numbers.error().is(Errc::invalid_argument)) << none;
    }
}

TEST(ImapSet, CountsWithoutOverflow) {
    EXPECT_EQ(ImapSet{}.count(), 0U);
    EXPECT_EQ(set("1:4,7").count(), 5U);
    EXPECT_EQ(set("0:18446744073709551615").count(), top);
    EXPECT_EQ(set("1:18446744073709551615").count(), top);
    EXPECT_EQ(set("0:7,9:18446744073709551615").count(), top);
}

TEST(ImapSet, Takes) {
    ImapSet numbers = set("1:4,7,9:10");
    EXPECT_EQ(numbers.take_front(2).text(), "1:2");
    EXPECT_EQ(numbers.take_front(3).text(), "3:4,7");
    EXPECT_EQ(numbers.text(), "9:10");
    EXPECT_EQ(numbers.take_front(5).text(), "9:10");
    EXPECT_TRUE(numbers.empty());
    EXPECT_TRUE(numbers.take_front(1).empty());

    numbers = set("1:4,7,9:10");
    EXPECT_EQ(numbers.take_back(1).text(), "10");
    EXPECT_EQ(numbers.take_back(3).text(), "4,7,9");
    EXPECT_EQ(numbers.take_back(9).text(), "1:3");
    EXPECT_TRUE(numbers.empty());

    numbers = set("0:18446744073709551615");
    EXPECT_EQ(numbers.take_back(1).text(), "18446744073709551615");
    EXPECT_EQ(numbers.take_front(1).text(), "0");
    EXPECT_EQ(numbers.text(), "1:18446744073709551614");
    EXPECT_EQ(numbers.numbers(2), (std::vector<std::uint64_t>{1, 2}));
    EXPECT_EQ(set("3,18446744073709551615").numbers(9), (std::vector<std::uint64_t>{3, top}));
}

TEST(ImapSet, SplitsForCommandLines) {
    ImapSet numbers;
    for (std::uint64_t uid = 1; uid < 4000; uid += 2) {
        numbers.add(uid);
    }
    ImapSet together;
    const auto texts = numbers.split(100);
    for (const std::string& text : texts) {
        EXPECT_LE(text.size(), 100U);
        EXPECT_GT(text.size(), 90U - (&text == &texts.back() ? 90 : 0));
        together.add(set(text));
    }
    EXPECT_EQ(together, numbers);
    EXPECT_TRUE(ImapSet{}.split().empty());
}

// Against std::set, numbers 0 … 63 at both ends of the range.
TEST(ImapSet, IsASet) {
    std::mt19937 random{7};
    for (int round = 0; round < 400; ++round) {
        const std::uint64_t base = round % 2 == 0 ? 0 : top - 63;
        const auto some = [&](ImapSet& own, std::set<std::uint64_t>& other) {
            std::vector<ImapSet::Range> ranges;
            for (std::size_t i = random() % 8; i > 0; --i) {
                const std::uint64_t first = base + random() % 64;
                const std::uint64_t last = base + random() % 64;
                ranges.push_back({first, last});
                own.add(first, last);
                for (std::uint64_t at = std::min(first, last);; ++at) {
                    other.insert(at);
                    if (at == std::max(first, last)) {
                        break;
                    }
                }
            }
            ASSERT_EQ(ImapSet::of(ranges), own);
        };
        ImapSet a;
        ImapSet b;
        std::set<std::uint64_t> expected_a;
        std::set<std::uint64_t> expected_b;
        some(a, expected_a);
        some(b, expected_b);
        std::vector<std::uint64_t> minus;
        std::vector<std::uint64_t> both;
        std::ranges::set_difference(expected_a, expected_b, std::back_inserter(minus));
        std::ranges::set_intersection(expected_a, expected_b, std::back_inserter(both));
        ASSERT_EQ(a.numbers(99), std::vector(expected_a.begin(), expected_a.end()));
        ASSERT_EQ(a.minus(b).numbers(99), minus);
        ASSERT_EQ(a.both(b).numbers(99), both);
        ASSERT_EQ(a.minus(b), ImapSet::of(minus));
        ASSERT_EQ(a.count(), expected_a.size());
        for (std::uint64_t i = 0; i < 64; ++i) {
            ASSERT_EQ(a.contains(base + i), expected_a.contains(base + i));
        }
        if (!a.empty()) {
            ASSERT_EQ(set(a.text()), a);
        }
        for (std::size_t i = 1; i < a.ranges().size(); ++i) {
            ASSERT_GT(a.ranges()[i].first - a.ranges()[i - 1].last, 1U);
        }
    }
}

}  // namespace
}  // namespace siding::backfill

// How alike two messages are, and which of two heaps belong together.
#include "backfill/match.hpp"

#include "backfill/digests.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

namespace siding::backfill {
namespace {

using Pairs = std::vector<std::pair<std::size_t, std::size_t>>;
constexpr WallTime day{std::chrono::hours{24 * 365 * 50}};

MessageDigests digests_of(std::string_view message) {
    MessageDigester digester;
    digester.update(message);
    return digester.finish();
}

Known known(std::string_view message, std::optional<WallTime> time = day) {
    MessageDigester digester;
    digester.update(message);
    const MessageDigests digests = digester.finish();
    return {digests, digester.facts().message_id, time};
}

Known header_of(std::string_view message, std::optional<WallTime> time = day) {
    MessageDigests digests = digests_of(message);
    digests.raw = digests.canonical = digests.body = {};
    return {digests, "", time};
}

TEST(MatchTest, Likeness) {
    struct Row {
        std::string_view source, destination;
        Likeness likeness;
    };
    const std::vector<Row> rows{
        {"Subject: a\r\n\r\nb\r\n", "Subject: a\r\n\r\nb\r\n", Likeness::exact},
        {"Subject: a\r\n\r\nb\r\n", "Subject: a\r\n\r\nb", Likeness::exact_but_line_ends},
        {"Subject: a\n\nb\n", "Subject: a\r\n\r\nb\r\n", Likeness::exact_but_line_ends},
        {"Subject: a\r\n\r\nb", "X: y\r\nSubject: a\r\n\r\nb", Likeness::headers_rewritten},
        {"Subject: a\r\n\r\nb", "Subject: c\r\n\r\nb", Likeness::headers_rewritten},
        {"Subject: a\r\n\r\nb", "Subject: a\r\n\r\nc", Likeness::body_rewritten},
        {"Subject: a\r\n\r\nb", "Subject: c\r\n\r\nd", Likeness::different},
        {"", "", Likeness::exact},
    };
    for (const Row& row : rows) {
        EXPECT_EQ(compare(digests_of(row.source), digests_of(row.destination)), row.likeness)
            << row.source << " | " << row.destination;
    }
    // What was not computed is like nothing.
    EXPECT_EQ(compare({}, {}), Likeness::different);
    MessageDigests partial = digests_of("Subject: a\r\n\r\nb");
    partial.raw.clear();
    EXPECT_EQ(compare(partial, digests_of("Subject: a\r\n\r\nb")), Likeness::exact_but_line_ends);
}

TEST(MatchTest, TwinsStayTwo) {
    const Known one = known("Subject: a\r\n\r\nb");
    EXPECT_EQ(pair_up(std::vector{one, one}, std::vector{one}), (Pairs{{0, 0}}));
    EXPECT_EQ(pair_up(std::vector{one, one}, std::vector{one, one, one}), (Pairs{{0, 0}, {1, 1}}));
    EXPECT_EQ(pair_up({}, std::vector{one}), Pairs{});
}

TEST(MatchTest, AmongTwinsThoseOfTheSameTimeBelongTogether) {
    const std::string_view text = "Subject: a\r\n\r\nb";
    const std::vector source{
        known(text, day), known(text, day + std::chrono::hours{1}), known(text, std::nullopt)};
    const std::vector destination{
        known(text, day + std::chrono::hours{2}),
        known(text, day + std::chrono::hours{1}),
        known(text, day)};
    EXPECT_EQ(pair_up(source, destination), (Pairs{{0, 2}, {1, 1}, {2, 0}}));
}

TEST(MatchTest, TheStrongestLikenessComesFirst) {
    const std::vector source{
        known("Subject: a\r\n\r\nb\n"),                            // 0: only canonical is left
        known("Subject: a\r\n\r\nb"),                              // 1: exact
        known("Subject: h\r\nX: 1\r\n\r\nbody"),                   // 2: other headers
        known("Message-ID: <1>\r\nSubject: old\r\n\r\nletter"),    // 3: Subject rewritten
        known("Message-ID: <1>\r\nSubject: old\r\n\r\nletter 2"),  // 4: another body
    };
    const std::vector destination{
        known("Subject: a\r\n\r\nb"),
        known("Subject: a\r\n\r\nb\r\n"),
        known("Message-ID: <1>\r\nSubject: new\r\n\r\nletter"),
        known("Subject: h\r\n\r\nbody"),
    };
    EXPECT_EQ(pair_up(source, destination), (Pairs{{0, 1}, {1, 0}, {2, 3}, {3, 2}}));
}

TEST(MatchTest, WhatHasNothingInCommonButNothingIsNoPair) {
    // Neither any of the six fields nor a body.
    EXPECT_EQ(
        pair_up(std::vector{known("X: 1\r\n\r\n")}, std::vector{known("X: 2\r\n\r\n")}), Pairs{}
    );
    EXPECT_EQ(pair_up(std::vector{Known{}}, std::vector{Known{}}), Pairs{});
    // The same letter to two lists, no Message-ID.
    EXPECT_EQ(
        pair_up(std::vector{known("To: a\r\n\r\nnews")}, std::vector{known("To: b\r\n\r\nnews")}),
        Pairs{}
    );
}

TEST(MatchTest, AHeaderAloneDecidesOnlyWithTheTimeAndWithoutBodies) {
    const std::string_view text = "Message-ID: <1>\r\n\r\nb";
    EXPECT_EQ(pair_up(std::vector{known(text)}, std::vector{header_of(text)}), (Pairs{{0, 0}}));
    EXPECT_EQ(pair_up(std::vector{header_of(text)}, std::vector{known(text)}), (Pairs{{0, 0}}));
    const auto later = header_of(text, day + std::chrono::seconds{1});
    EXPECT_EQ(pair_up(std::vector{known(text)}, std::vector{later}), Pairs{});
    EXPECT_EQ(
        pair_up(std::vector{known(text)}, std::vector{header_of(text, std::nullopt)}), Pairs{}
    );
    EXPECT_EQ(
        pair_up(std::vector{known(text)}, std::vector{known("Message-ID: <1>\r\n\r\nc")}), Pairs{}
    );
    // The one without a body finds its partner among those that have one.
    EXPECT_EQ(
        pair_up(
            std::vector{known(text)},
            std::vector{known("Message-ID: <1>\r\n\r\nc"), header_of(text)}
        ),
        (Pairs{{0, 1}})
    );
}

TEST(MatchTest, LargeHeapsArePairedOneToOne) {
    std::vector<Known> source;
    std::vector<Known> destination;
    std::map<int, int> wanted;
    for (int i = 0; i < 20'000; ++i) {
        const int text = i % 7'000;
        const auto one = known("Subject: " + std::to_string(text) + "\r\n\r\nx");
        source.push_back(one);
        wanted[text] += 1;
        if (i % 3 != 0) {
            destination.push_back(one);
        }
    }
    std::ranges::reverse(destination);
    const Pairs pairs = pair_up(source, destination);
    EXPECT_EQ(pairs.size(), destination.size());
    std::vector<bool> used(destination.size());
    for (const auto& [from, to] : pairs) {
        EXPECT_EQ(source[from].raw, destination[to].raw);
        EXPECT_FALSE(used[to]);
        used[to] = true;
    }
}

}  // namespace
}  // namespace siding::backfill

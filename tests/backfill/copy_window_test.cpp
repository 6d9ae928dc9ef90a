#include "backfill/copy_window.hpp"

#include "backfill/final_words.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace siding::backfill {
namespace {

WallTime at(const std::string& text) {
    return parse_time(text).value();
}

const WallTime now = at("2026-11-22T12:00:00Z");

TEST(CopyWindow, ReadsDatesAgesAndSizes) {
    struct Row {
        WindowWords words;
        std::string text;  // empty: an error
    };
    const std::vector<Row> rows{
        {{"2026-10-01", "", ""}, "since 2026-10-01T00:00:00.000Z"},
        {{"2026-10-01T06:30:00Z", "", ""}, "since 2026-10-01T06:30:00.000Z"},
        {{"2d", "12h", ""}, "since 2026-11-20T12:00:00.000Z, before 2026-11-22T00:00:00.000Z"},
        {{"", "", "10MiB"}, "at most 10MiB"},
        {{"", "2026-01-01", "512B"}, "before 2026-01-01T00:00:00.000Z, at most 512B"},
        {{"2026-13-01", "", ""}, ""},
        {{"yesterday", "", ""}, ""},
        {{"30", "", ""}, ""},          // of what?
        {{"2026-11-23", "", ""}, ""},  // tomorrow
        {{"1d", "2d", ""}, ""},        // nothing is in it
        {{"1d", "1d", ""}, ""},
        {{"", "", "10"}, ""},
        {{"", "", "-1B"}, ""},
    };
    for (const Row& row : rows) {
        const auto window = parse_window(row.words, now);
        const std::string shown =
            row.words.since + "|" + row.words.before + "|" + row.words.octets_max;
        EXPECT_EQ(window ? format_window(*window) : "", row.text) << shown;
    }
    EXPECT_TRUE(parse_window({}, now).value().is_everything());
    EXPECT_EQ(format_window({}), "");
}

TEST(CopyWindow, HasWhatIsInside) {
    CopyWindow window;
    EXPECT_TRUE(window.has(std::nullopt, std::nullopt));
    window.since = now;
    EXPECT_FALSE(window.has(std::nullopt, 1)) << "nobody knows when it came";
    EXPECT_TRUE(window.has(now, std::nullopt));
    EXPECT_FALSE(window.has(now - std::chrono::seconds{1}, 1));
    window.before = now + std::chrono::hours{1};
    EXPECT_FALSE(window.has(now + std::chrono::hours{1}, 1));
    window.octets_max = 100;
    EXPECT_TRUE(window.has(now, 100));
    EXPECT_FALSE(window.has(now, 101));
    EXPECT_FALSE(window.has(now, std::nullopt));
}

TEST(FinalWords, NameWhatIsNew) {
    PassCounts three;
    three.copied = 3;
    PassCounts one;
    one.moved = 1;
    PassCounts flags;
    flags.flags = 2;
    EXPECT_EQ(
        words_of_changes({{"Archive", flags}, {"INBOX", three}, {"Sent", one}}, now),
        "the source still grows: 3 new messages in INBOX, 1 new message in Sent, 2 messages with"
        " other flags in Archive since 2026-11-22T12:00:00.000Z; it is copied, but stop what"
        " delivers to the old server, then order the final pass again"
    );
    EXPECT_TRUE(words_of_changes({{"INBOX", flags}}, now).starts_with("the source is still in use:")
    );
    std::map<std::string, PassCounts> many;
    for (char name = 'a'; name <= 'h'; ++name) {
        many.emplace(std::string(1, name), three);
    }
    EXPECT_NE(words_of_changes(many, now).find("and more in 3 mailboxes"), std::string::npos);
}

}  // namespace
}  // namespace siding::backfill

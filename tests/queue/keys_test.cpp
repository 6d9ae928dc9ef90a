#include "queue/keys.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace siding::queue {
namespace {

using namespace std::chrono_literals;

// In order, and every octet that a key uses for itself.
const std::vector<std::string> texts{
    "",
    std::string("\0", 1),
    std::string("\0\0", 2),
    std::string("\0\x01", 2),
    std::string("\0a", 2),
    std::string("\x01", 1),
    std::string("\x01\0", 2),
    "\x01\x01",
    "\x01\x02",
    "\x02",
    "a",
    std::string("a\0", 2),
    std::string("a\0b", 3),
    "a\x01",
    "ab",
    "b",
    "\xff",
    "\xff\xff",
};

const WallTime noon = parse_time("2026-11-21T12:00:00Z").value();

Recipient row_of(const std::string& address, std::uint64_t id) {
    return Recipient{
        .id = {MessageId{id}, 0x01020304},
        .state = State::held,
        .domain = Domain::parse("example.com").value(),
        .wave = "default",
        .address = address,
        .sender = {},
        .lane = "new",
        .pinned_server = {},
        .due_at = noon,
        .last_reply = {},
    };
}

TEST(Keys, KeepTheOrderOfTexts) {
    ASSERT_TRUE(std::ranges::is_sorted(texts));
    std::vector<std::string> keys;
    for (const std::string& text : texts) {
        keys.push_back(keys::trace('r', text, MessageId{UINT64_MAX}));
        keys.push_back(keys::trace('s', text, MessageId{0}));
    }
    std::ranges::stable_sort(keys, {}, [](const std::string& key) { return key[0]; });
    EXPECT_TRUE(std::ranges::is_sorted(keys));
}

TEST(Keys, GiveTextsBack) {
    for (const std::string& first : texts) {
        for (const std::string& second : texts) {
            const std::string key = keys::meta_counts(first, second);
            std::string_view rest = std::string_view{key}.substr(1);
            EXPECT_EQ(keys::take_text(rest), first);
            EXPECT_EQ(keys::take_text(rest), second);
            EXPECT_EQ(rest, "");
        }
    }
    std::string_view open_ended = "no end";
    EXPECT_EQ(keys::take_text(open_ended), std::nullopt);
}

TEST(Keys, AreDifferentForDifferentTexts) {
    std::set<std::string> seen;
    for (const std::string& domain : texts) {
        for (const std::string& wave : texts) {
            EXPECT_TRUE(seen.insert(keys::held_prefix(State::held, domain, wave)).second);
            EXPECT_TRUE(seen.insert(keys::held_prefix(State::parked, domain, wave)).second);
        }
    }
}

TEST(Keys, NoStretchReachesIntoItsNeighbour) {
    for (const std::string& text : texts) {
        const std::string prefix = keys::trace_prefix('r', text);
        const std::string end = keys::after_prefix(prefix);
        for (const std::string& other : texts) {
            for (const std::uint64_t id : {std::uint64_t{0}, UINT64_MAX}) {
                const std::string key = keys::trace('r', other, MessageId{id});
                EXPECT_EQ(prefix <= key && key < end, other == text);
            }
        }
    }
    EXPECT_EQ(keys::after_prefix("a\xff\xff"), "b");
    EXPECT_EQ(keys::after_prefix("\xff"), "");
    EXPECT_EQ(keys::after_prefix(""), "");
}

TEST(Keys, KeepTheOrderOfNumbersAndTimes) {
    const std::vector<std::uint64_t> numbers{0, 1, 255, 256, 1ULL << 31, 1ULL << 63, UINT64_MAX};
    std::vector<std::string> messages;
    std::vector<std::string> ledger;
    for (const std::uint64_t number : numbers) {
        messages.push_back(keys::message(MessageId{number}));
        ledger.push_back(keys::ledger(number));
        EXPECT_EQ(keys::tail_message(messages.back()).value(), number);
        EXPECT_EQ(keys::tail_number(ledger.back()), number);
    }
    EXPECT_TRUE(std::ranges::is_sorted(messages));
    EXPECT_TRUE(std::ranges::is_sorted(ledger));
    EXPECT_LT(keys::due("new", noon, {MessageId{9}, 9}), keys::due("new", noon + 1ms, {}));
    EXPECT_LT(keys::due("new", noon, {MessageId{1}, 9}), keys::due("new", noon, {MessageId{2}, 0}));
    EXPECT_LT(keys::recipient({MessageId{1}, 255}), keys::recipient({MessageId{1}, 256}));
}

TEST(Keys, EndWithTheirIds) {
    const RecipientId id{MessageId{0x0102030405060708}, 0xFFFFFFFF};
    EXPECT_EQ(keys::tail_recipient(keys::recipient(id)), id);
    EXPECT_EQ(keys::tail_recipient(keys::in_flight(id)), id);
    const std::string due = keys::due(std::string("l\0", 2), noon, id);
    EXPECT_EQ(keys::tail_recipient(due), id);
    EXPECT_EQ(keys::due_time(due), noon);
    const Recipient row = row_of("Joe@Example.com", 7);
    EXPECT_EQ(keys::tail_recipient(keys::held(row)), row.id);
    EXPECT_EQ(keys::tail_number(keys::trace_ledger(id.message, 77)), 77U);
    EXPECT_EQ(keys::tail_message(keys::meta_writing(id.message)), id.message);
}

TEST(Keys, FindAMailboxInAnyCase) {
    const std::string prefix =
        keys::held_prefix(State::held, "example.com", "default", "joe@example.com");
    EXPECT_TRUE(keys::held(row_of("JOE@example.COM", 1)).starts_with(prefix));
    EXPECT_FALSE(keys::held(row_of("joe@example.com.au", 1)).starts_with(prefix));
}

TEST(Keys, HaveOneIndexKeyForEachStateThatStays) {
    Recipient row = row_of("joe@example.com", 1);
    std::set<std::string> keys;
    for (const State state : all_states) {
        row.state = state;
        const std::string key = keys::index(row);
        EXPECT_EQ(key.empty(), state == State::discarded) << format_state(state);
        keys.insert(key);
    }
    EXPECT_EQ(keys.size(), 6U);
    row.state = State::due;
    EXPECT_EQ(keys::index(row), keys::due(row.lane, row.due_at, row.id));
}

}  // namespace
}  // namespace siding::queue

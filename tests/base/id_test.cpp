#include "base/id.hpp"

#include <gtest/gtest.h>

namespace siding {
namespace {

using namespace std::chrono_literals;

const WallTime noon = parse_time("2026-11-21T12:00:00Z").value();

TEST(MessageId, TextSortsAsTheNumberAndComesBack) {
    ManualClock clock{noon};
    IdGenerator ids{clock, MessageId{}};
    MessageId before = ids.next();
    for (int i = 0; i < 100; ++i) {
        clock.advance(std::chrono::milliseconds{i % 3});
        const MessageId id = ids.next();
        EXPECT_LT(before, id);
        EXPECT_LT(before.text(), id.text());
        EXPECT_EQ(MessageId::parse(id.text()).value(), id);
        before = id;
    }
}

TEST(MessageId, RefusesWhatIsNoId) {
    for (const char* text :
         {"", "0", "zzzzzzzzzzzzz", "0000000000000 ", "ILOU000000000", "00000000000000"}) {
        EXPECT_FALSE(MessageId::parse(text)) << text;
    }
}

TEST(IdGenerator, StaysUniqueWhenTheClockStepsBack) {
    ManualClock clock{noon};
    IdGenerator ids{clock, MessageId{}};
    const MessageId first = ids.next();
    clock.advance(-24h);
    const MessageId second = ids.next();
    EXPECT_LT(first, second);
    EXPECT_EQ(second.time(), noon);
}

TEST(IdGenerator, StartsAboveTheFloorOfALaterClock) {
    ManualClock clock{noon};
    const MessageId floor = MessageId::at(noon + 1h);
    IdGenerator ids{clock, floor};
    EXPECT_GT(ids.next(), floor);
}

TEST(RecipientId, NestsInTheMessage) {
    const RecipientId id{MessageId::at(noon), 7};
    EXPECT_EQ(id.text(), id.message.text() + ".7");
    EXPECT_EQ(RecipientId::parse(id.text()).value(), id);
    EXPECT_EQ(RecipientId::parse(id.message.text()).value().number, 0U);
    EXPECT_FALSE(RecipientId::parse(id.message.text() + ".x"));
    EXPECT_FALSE(RecipientId::parse(id.message.text() + "."));
}

}  // namespace
}  // namespace siding

#include "relay/mover.hpp"

#include "base/limits.hpp"
#include "tests/relay/relay_fixture.hpp"

namespace siding::relay {
namespace {

constexpr std::size_t rows_per_message = 500;
constexpr std::size_t all_rows = 2500;
static_assert(all_rows > 2 * limits::change_page_rows);

class MoverTest : public RelayTest {
protected:
    // Five messages of five hundred recipients.
    void fill() {
        for (std::size_t m = 0; m < all_rows / rows_per_message; ++m) {
            std::vector<To> to;
            for (std::size_t n = 0; n < rows_per_message; ++n) {
                to.push_back({"u" + std::to_string(n) + "@example.com", {}});
            }
            messages_.push_back(accept(to));
        }
    }

    Mover mover_{*queue_};
    std::vector<MessageId> messages_;
};

// Discarding what is parked must not take what somebody has just released.
TEST_F(MoverTest, DiscardsOnlyWhatItWasOrderedFor) {
    fill();
    queue::Filter parked;
    parked.state = State::parked;
    EXPECT_EQ(get(mover_.move_all(queue::Event::discard, parked, "ann", "")).value(), 0U);
    queue::Filter one_message;
    one_message.message = messages_[0];
    one_message.limit = 20;
    EXPECT_EQ(get(mover_.move_all(queue::Event::discard, one_message, "ann", "spam")).value(), 20U);
    EXPECT_EQ(count(State::discarded), 20U);
    const auto line = queue_->store().ledger_of(messages_[0]).value().back();
    EXPECT_EQ(line.kind, LedgerKind::discarded);
    EXPECT_EQ(line.who, "ann");
    EXPECT_EQ(line.reply, "spam");
    EXPECT_EQ(get(mover_.move_all(queue::Event::discard, {}, "ann", "")).value(), all_rows - 20);
    EXPECT_EQ(count(State::discarded), all_rows);
    EXPECT_TRUE(queue_->store().rows({}, 1).value().rows.empty());
}

TEST_F(MoverTest, AnOperatorsHoldIsKept) {
    fill();
    EXPECT_EQ(get(mover_.move_all(queue::Event::hold, {}, "ann", "wait")).value(), all_rows);
    EXPECT_EQ(queue_->store().counters().all().kept, all_rows);
    EXPECT_EQ(get(mover_.move_all(queue::Event::hold, {}, "ann", "")).value(), 0U);
}

TEST_F(MoverTest, AnOrderOfItsOwnSaysWhereTo) {
    const MessageId id = accept({{"joe@example.com", {}}});
    queue::MoveRecipients order;
    order.event = queue::Event::release;
    order.server = "new";
    order.pinned = true;
    order.due_at = clock_.now();
    EXPECT_EQ(get(mover_.move_all(order, {})).value(), 1U);
    EXPECT_EQ(row({id, 0}).lane, "new");
    EXPECT_EQ(row({id, 0}).pinned_server, "new");
}

}  // namespace
}  // namespace siding::relay

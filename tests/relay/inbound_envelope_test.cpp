// Where the recipients of a message go, and what they are called there.
#include "relay/inbound_envelope.hpp"

#include <gtest/gtest.h>

namespace siding::relay {
namespace {

using queue::State;
using Way = Destination::Way;

constexpr WallTime received_at{std::chrono::hours{500'000}};

class PlacementsTest : public testing::Test {
protected:
    PlacementsTest() {
        envelope_.received_at = received_at;
        envelope_.reverse_path = "ann@sender.example";
    }

    // Said once, called `names` by the rewrite map.
    InboundRecipient& add(std::vector<std::string> names, Way way, const std::string& copy = {}) {
        const Domain domain = Domain::parse("example.com").value();
        for (const std::string& name : names) {
            envelope_.recipients.push_back({name, {}, domain});
        }
        Admitted admitted{domain, "default", {}};
        if (names.size() > 1) {
            admitted.rewritten_to = std::move(names);
        }
        recipients_.emplace_back(std::move(admitted));
        const std::string server = way == Way::hold ? "" : "old";
        recipients_.back().destination = {way, server, copy};
        return recipients_.back();
    }
    std::vector<queue::Placement> place() {
        const ExpressQuestion question{config_, "X-Priority: 1\r\n", 1000};
        auto placements = make_placements(envelope_, recipients_, question);
        EXPECT_EQ(placements.size(), envelope_.recipients.size());
        add_copies(envelope_, placements, recipients_);
        EXPECT_EQ(placements.size(), envelope_.recipients.size());
        return placements;
    }

    config::Config config_;
    queue::Envelope envelope_;
    std::vector<InboundRecipient> recipients_;
};

TEST_F(PlacementsTest, EveryNameHasAPlace) {
    add({"joe@example.com"}, Way::hold);
    add({"a@example.com", "b@example.com"}, Way::pass);  // a list: nobody was asked
    add({"kim@example.com"}, Way::queue);
    const auto placed = place();
    ASSERT_EQ(placed.size(), 4U);
    EXPECT_EQ(placed[0].state, State::held);
    for (const std::size_t i : {1, 2, 3}) {
        EXPECT_EQ(placed[i].state, State::due);
        EXPECT_EQ(placed[i].lane, "old");
        EXPECT_FALSE(placed[i].pinned || placed[i].attempted);
    }
}

TEST_F(PlacementsTest, CopiesStandBehindTheOthers) {
    add({"a@example.com", "b@example.com"}, Way::pass, "new");
    add({"joe@example.com"}, Way::hold);
    add({"kim@example.com"}, Way::queue, "new");
    const auto placed = place();
    ASSERT_EQ(placed.size(), 7U);
    const std::vector<std::string> copied{"a@example.com", "b@example.com", "kim@example.com"};
    for (std::size_t i = 0; i < copied.size(); ++i) {
        EXPECT_FALSE(envelope_.recipients[i].copy);
        EXPECT_TRUE(envelope_.recipients[4 + i].copy);
        EXPECT_EQ(envelope_.recipients[4 + i].address, copied[i]);
        EXPECT_EQ(placed[4 + i].state, State::due);
        EXPECT_EQ(placed[4 + i].lane, "new");
        EXPECT_TRUE(placed[4 + i].pinned);
    }
}

TEST_F(PlacementsTest, AServersWordCountsForItsRecipient) {
    Passed passed;
    passed.server = "old";
    passed.verdict =
        smtp::judge_reply(smtp::Stage::rcpt, smtp::Reply{450, {4, 2, 0}, "Greylisted"});
    add({"joe@example.com"}, Way::pass).passed = &passed;
    add({"kim@example.com"}, Way::pass);
    const auto placed = place();
    EXPECT_TRUE(placed[0].attempted);
    EXPECT_EQ(placed[0].reply, "450 4.2.0 Greylisted");
    EXPECT_GT(placed[0].due_at, received_at) << "after the first step of the schedule";
    EXPECT_FALSE(placed[1].attempted);
    EXPECT_EQ(placed[1].due_at, WallTime{});
}

TEST_F(PlacementsTest, ExpressMailDoesNotWait) {
    config::ExpressRule rule;
    rule.name = "urgent";
    rule.header = "x-priority: 1*";
    config_.express.push_back(rule);
    add({"joe@example.com"}, Way::hold);
    add({"kim@example.com"}, Way::queue);
    const auto placed = place();
    EXPECT_EQ(placed[0].state, State::due);
    EXPECT_EQ(placed[0].lane, "new");
    EXPECT_TRUE(placed[0].pinned);
    EXPECT_EQ(placed[1].lane, "old") << "it does not wait anyway";
}

}  // namespace
}  // namespace siding::relay

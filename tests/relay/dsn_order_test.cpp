#include "relay/dsn_order.hpp"

#include "tests/relay/relay_fixture.hpp"

#include <algorithm>

namespace siding::relay {
namespace {

class DsnOrderTest : public RelayTest {
protected:
    DsnOrderTest() { set_phase(Phase::hold, true); }

    MessageId accept_from(
        const std::string& sender,
        const std::vector<To>& to,
        std::vector<std::string> parameters = {}
    ) {
        const MessageId id = queue_->next_id();
        auto mail = test::make_message(id, sender, to, "Subject: hi\r\n\r\nbody\r\n");
        mail.envelope.received_at = clock_.now();
        for (auto& recipient : mail.envelope.recipients) {
            recipient.parameters = parameters;
        }
        commit(std::move(mail));
        return id;
    }

    void park(RecipientId id) {
        move(queue::Event::release, id);
        commit(queue::StartAttempt{{id}, "new"});
        queue::RecordOutcome outcome;
        queue::RecipientOutcome one;
        one.recipient = id;
        one.kind = queue::OutcomeKind::parked;
        one.reply = "550 5.1.1 unknown";
        one.cause = "no_such_mailbox";
        outcome.outcomes.push_back(std::move(one));
        outcome.server = "new";
        commit(std::move(outcome));
    }

    DsnOutcome discard(queue::Filter filter) {
        DsnOrder order{std::move(filter), "old", "hold.example.net"};
        order.who = "uid:1000 ann";
        order.why = "gone";
        WakeLane wake{[this](const std::string& server, WallTime) { woken_.push_back(server); }};
        const auto outcome = get(discard_with_reports(*queue_, std::move(order), wake));
        EXPECT_TRUE(outcome) << outcome.error().message();
        return outcome ? *outcome : DsnOutcome{};
    }

    // Reports that wait in the queue.
    std::vector<queue::Recipient> reports() const {
        queue::Filter filter;
        filter.tag = "dsn";
        return queue_->store().list(filter, {}, 100).value().rows;
    }

    static queue::Filter of_example() {
        queue::Filter filter;
        filter.domain = example();
        return filter;
    }

    std::vector<std::string> woken_;
};

TEST_F(DsnOrderTest, TellsTheSenderOfEachMessageOnce) {
    const MessageId id =
        accept_from("ann@sender.example", {{"a@example.com", {}}, {"b@example.com", {}}});
    park({id, 0});
    park({id, 1});
    const DsnOutcome outcome = discard(of_example());
    EXPECT_EQ(outcome.discarded, 2U);
    EXPECT_EQ(outcome.reports, 1U);
    EXPECT_EQ(outcome.unreported, 0U);
    EXPECT_EQ(count(State::parked), 0U);
    EXPECT_EQ(count(State::discarded), 2U);

    const auto rows = reports();
    ASSERT_EQ(rows.size(), 1U);
    EXPECT_EQ(rows[0].address, "ann@sender.example");
    EXPECT_EQ(rows[0].sender, "");
    EXPECT_EQ(rows[0].state, State::due);
    EXPECT_EQ(rows[0].lane, "old");
    EXPECT_EQ(rows[0].pinned_server, "old");
    EXPECT_EQ(woken_, (std::vector<std::string>{"old"}));
    const auto body = queue_->store().read_body_chunk(rows[0].id.message, 0).value();
    for (const char* part :
         {"rfc822; a@example.com", "rfc822; b@example.com", "Status: 5.1.1", "Subject: hi"}) {
        EXPECT_NE(body.find(part), std::string::npos) << part << "\n" << body;
    }
    EXPECT_EQ(body.find("gone"), std::string::npos) << "the operator's note is not the sender's";
    const auto lines = queue_->store().ledger_of(id).value();
    EXPECT_EQ(lines.back().kind, LedgerKind::discarded);
    EXPECT_EQ(lines.back().reply, "gone; report " + rows[0].id.message.text());
    EXPECT_EQ(lines.back().who, "uid:1000 ann");
}

TEST_F(DsnOrderTest, IsSilentWhereNobodyWantsToHear) {
    accept_from("", {{"a@example.com", {}}});
    accept_from("ann@sender.example", {{"a@example.com", {}}}, {"NOTIFY=NEVER"});
    const DsnOutcome outcome = discard(of_example());
    EXPECT_EQ(outcome.discarded, 2U);
    EXPECT_EQ(outcome.reports, 0U);
    EXPECT_EQ(outcome.unreported, 2U);
    EXPECT_TRUE(reports().empty());
    EXPECT_TRUE(woken_.empty());
}

// No server may hear of a recipient between its report and its end.
TEST_F(DsnOrderTest, TakesWhatIsDueOffItsLaneFirst) {
    const MessageId id = accept_from("ann@sender.example", {{"a@example.com", {}}});
    move(queue::Event::release, {id, 0});
    queue::Filter filter = of_example();
    filter.state = State::due;
    EXPECT_EQ(discard(filter).discarded, 1U);
    EXPECT_EQ(
        ledger_of({id, 0}),
        (std::vector{
            LedgerKind::accepted, LedgerKind::released, LedgerKind::held, LedgerKind::discarded})
    );
    EXPECT_EQ(reports().size(), 1U);
}

TEST_F(DsnOrderTest, LeavesWhatIsUnderWayAndWhatDoesNotMatch) {
    const MessageId id =
        accept_from("ann@sender.example", {{"a@example.com", {}}, {"b@example.com", {}}});
    move(queue::Event::release, {id, 0});
    commit(queue::StartAttempt{{{id, 0}}, "new"});
    accept_from("ann@sender.example", {{"c@example.org", {}}});
    const DsnOutcome outcome = discard(of_example());
    EXPECT_EQ(outcome.discarded, 1U);
    EXPECT_EQ(row({id, 0}).state, State::in_flight);
    EXPECT_EQ(count(State::held), 1U);
}

TEST_F(DsnOrderTest, KeepsToTheLimit) {
    for (int i = 0; i < 3; ++i) {
        accept_from("ann@sender.example", {{"a@example.com", {}}, {"b@example.com", {}}});
    }
    queue::Filter filter = of_example();
    filter.limit = 3;
    EXPECT_EQ(discard(filter).discarded, 3U);
    EXPECT_EQ(count(State::held), 3U);
}

}  // namespace
}  // namespace siding::relay

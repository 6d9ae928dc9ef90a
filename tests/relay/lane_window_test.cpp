// Several transactions under way at once, limits, and what becomes of both when the server has
// trouble.
#include "tests/relay/lane_fixture.hpp"

namespace siding::relay {
namespace {

using namespace std::chrono_literals;
using test::Script;
using test::takes_message;
using Kinds = std::vector<LedgerKind>;
using enum LedgerKind;

Script streaming_hello() {
    return test::hello({"8BITMIME", "PIPELINING", "CHUNKING"});
}

Script plain_hello() {
    return test::hello({"8BITMIME"});
}

const Script takes_chunk{{"MAIL", "250 ok"}, {"RCPT", "250 ok"}, {"BDAT ", "250 2.0.0 taken"}};

// Streamed transactions begin anew (RSET) where the one before has no answer yet.
const Script next_chunk = Script{{"RSET", "250 ok"}} + takes_chunk;

Script times(std::size_t count, const Script& script) {
    Script out;
    for (std::size_t i = 0; i < count; ++i) {
        out = out + script;
    }
    return out;
}

class LaneWindowTest : public LaneTest {
protected:
    std::vector<MessageId> accept_many(std::size_t messages) {
        std::vector<MessageId> out;
        for (std::size_t i = 0; i < messages; ++i) {
            out.push_back(accept({{"u" + std::to_string(i) + "@example.com", {State::due, "new"}}})
            );
        }
        return out;
    }
    void configure(const std::function<void(config::Server&)>& change) {
        config::Config next = *config_.get();
        change(next.servers["new"]);
        config_.apply(std::move(next));
    }
    void advance(std::chrono::milliseconds by) {
        clock_.advance(by);
        lane().wake(clock_.now());
    }
};

TEST_F(LaneWindowTest, AttemptsOfAWholeWindowAreRecordedAtOnce) {
    peer_.expect(streaming_hello() + takes_chunk + times(39, next_chunk));
    accept_many(40);
    std::uint64_t seen = 0;
    peer_.on_line = [&](std::string_view line) {
        if (seen == 0 && line.starts_with("MAIL")) {
            seen = count(State::in_flight);
        }
    };
    start();
    run_until([&] { return count(State::delivered) == 40 && is_quiet(); });
    EXPECT_GT(seen, 8U);
    EXPECT_EQ(peer_.connections(), 1U);
    EXPECT_EQ(peer_.messages().size(), 40U);
    EXPECT_EQ(lane().status().messages_per_minute, 40U);
}

TEST_F(LaneWindowTest, WithPipeliningAloneTheNextStandsReady) {
    peer_.expect(test::hello({"8BITMIME", "PIPELINING"}) + times(10, takes_message()));
    const auto ids = accept_many(10);
    std::uint64_t seen = 0;
    peer_.on_line = [&](std::string_view line) {
        seen = line == "." ? std::max(seen, count(State::in_flight)) : seen;
    };
    start();
    run_until([&] { return count(State::delivered) == 10 && is_quiet(); });
    // Two under way, two behind them, and what is answered and not recorded yet.
    EXPECT_GE(seen, 4U);
    EXPECT_LT(seen, 10U) << "all at once";
    EXPECT_EQ(ledger_of({ids[9], 0}), (Kinds{accepted, attempt, delivered}));
    EXPECT_EQ(peer_.connections(), 1U);
}

TEST_F(LaneWindowTest, ALossInTheWindowLosesAndDoublesNothing) {
    peer_.expect(
        streaming_hello() + takes_chunk + times(2, next_chunk) + Script{{"RSET", test::drop}}
    );
    const auto ids = accept_many(20);
    start();
    run_until([&] { return count(State::delivered) == 3 && is_quiet() && peer_.open() == 0; });
    EXPECT_TRUE(lane().status().paused_until);
    EXPECT_EQ(count(State::due), 17U);
    EXPECT_EQ(count(State::in_flight), 0U);
    // One probe, then the others.
    peer_.expect(streaming_hello() + times(2, takes_chunk) + times(15, next_chunk));
    advance(2min);
    run_until([&] { return count(State::delivered) == 20 && is_quiet(); });
    EXPECT_EQ(peer_.connections(), 2U);
    for (const MessageId id : ids) {
        const auto kinds = ledger_of({id, 0});
        EXPECT_EQ(std::ranges::count(kinds, delivered), 1);
    }
}

TEST_F(LaneWindowTest, AFlipCatchesWhatTheServerHasNotHeardOf) {
    peer_.expect(streaming_hello() + takes_chunk + times(31, next_chunk));
    const auto ids = accept_many(100);
    peer_.on_line = [&](std::string_view line) {
        if (line.starts_with("MAIL") && peer_.messages().empty()) {
            set_phase(Phase::hold);
        }
    };
    start();
    run_until([&] { return count(State::delivered) + count(State::held) == 100 && is_quiet(); });
    EXPECT_EQ(count(State::delivered), 32U) << "no more than what was under way has left";
    EXPECT_EQ(peer_.messages().size(), 32U);
    EXPECT_EQ(ledger_of({ids.back(), 0}), (Kinds{accepted, held}));
    lane().stop();
    run_until([&] { return peer_.open() == 0; });
}

TEST_F(LaneWindowTest, AStopTakesBackWhatWasNotSent) {
    peer_.expect(streaming_hello() + takes_chunk + times(31, next_chunk));
    accept_many(100);
    peer_.on_line = [&](std::string_view line) {
        if (line.starts_with("MAIL") && peer_.messages().empty()) {
            lane().stop();
        }
    };
    start();
    run_until([&] { return peer_.connections() == 1 && peer_.open() == 0 && is_quiet(); });
    EXPECT_EQ(count(State::in_flight), 0U);
    EXPECT_EQ(count(State::delivered), 32U);
    EXPECT_EQ(count(State::due), 68U);
}

TEST_F(LaneWindowTest, AConnectionHasItsShareOfMessages) {
    configure([](config::Server& server) { server.messages_per_connection = 2; });
    peer_.expect(streaming_hello() + takes_chunk + next_chunk);
    peer_.expect(streaming_hello() + takes_chunk + next_chunk);
    peer_.expect(streaming_hello() + takes_chunk);
    accept_many(5);
    start();
    run_until([&] { return count(State::delivered) == 5 && is_quiet() && peer_.connections() == 3; }
    );
}

TEST_F(LaneWindowTest, AConnectionThatHasHadEnoughIsNoTrouble) {
    peer_.expect(
        plain_hello() + times(2, takes_message()) +
        Script{{"MAIL", "421 too many messages in this connection"}}
    );
    peer_.expect(plain_hello() + times(2, takes_message()));
    peer_.expect(plain_hello() + times(1, takes_message()));
    accept_many(5);
    start();
    run_until([&] { return count(State::delivered) == 5 && is_quiet(); });
    EXPECT_EQ(lane().status().back_pressure, 0U);
    EXPECT_EQ(peer_.connections(), 3U) << "the share is known by now";
}

TEST_F(LaneWindowTest, BackPressureCoolsForAsLongAsTheProfileSays) {
    configure([](config::Server& server) { server.profile = config::Profile::m365; });
    peer_.expect(plain_hello() + Script{{"MAIL", "451 4.7.500 Server busy"}});
    const auto ids = accept_many(3);
    start();
    run_until([&] { return has_ended(deferred, {ids[0], 0}) && is_quiet(); });
    const LaneStatus status = lane().status();
    ASSERT_TRUE(status.paused_until);
    EXPECT_EQ(*status.paused_until, clock_.now() + 10min);
    EXPECT_EQ(status.cool_until, status.paused_until);
    EXPECT_EQ(status.back_pressure, 1U);
    EXPECT_EQ(status.breaker, "closed");
    EXPECT_EQ(status.profile, "m365");
    EXPECT_NE(status.hint.find("connector"), std::string::npos);
    EXPECT_GE(row({ids[0], 0}).due_at, *status.paused_until);
    EXPECT_EQ(row({ids[1], 0}).attempts, 0U);
    run_until([&] { return peer_.open() == 0; });
    peer_.expect(plain_hello() + times(3, takes_message()));
    advance(11min);
    run_until([&] { return count(State::delivered) == 3; });
    EXPECT_EQ(lane().status().hint, "");
}

TEST_F(LaneWindowTest, ABannedAddressOfOursParksNobody) {
    peer_.expect(plain_hello() + Script{{"MAIL", "550 5.7.606 banned sending IP"}});
    const MessageId id = accept_due();
    start();
    run_until([&] { return has_ended(deferred, {id, 0}) && is_quiet(); });
    EXPECT_TRUE(lane().status().paused_until);
}

TEST_F(LaneWindowTest, AMailboxThatHasTooMuchIsLeftAloneAndTheOthersGoOn) {
    peer_.expect(
        plain_hello() +
        Script{
            {"MAIL", "250 ok"},
            {"RCPT TO:<u0@", "450 4.2.1 The user is receiving mail too quickly"},
            {"RSET", "250 ok"},
        } +
        times(4, takes_message())
    );
    const MessageId first = accept_due();
    accept({{"ann@example.com", {State::due, "new"}}});
    const MessageId second = accept_due();
    accept({{"joe@example.com", {State::due, "new"}}});
    start();
    run_until([&] { return count(State::delivered) == 2; });
    EXPECT_FALSE(lane().status().paused_until);
    EXPECT_EQ(row({second, 0}).attempts, 0U) << "the same mailbox";
    EXPECT_GE(row({first, 0}).due_at, clock_.now() + 60s);
    EXPECT_LE(row({first, 0}).due_at, clock_.now() + 66s);
    advance(67s);
    run_until([&] { return count(State::delivered) == 4; });
}

TEST_F(LaneWindowTest, ARecipientsRateIsKept) {
    configure([](config::Server& server) { server.recipient_rate = 20; });
    peer_.expect(plain_hello() + times(4, takes_message()));
    accept_due();
    const MessageId second = accept_due();
    const MessageId third = accept_due();
    accept({{"ann@example.com", {State::due, "new"}}});
    start();
    run_until([&] { return count(State::delivered) == 3 && lane().status().in_flight == 1; });
    EXPECT_TRUE(has_ended(delivered, {second, 0})) << "the oldest first";
    EXPECT_EQ(row({third, 0}).state, State::due);
    EXPECT_EQ(lane().status().waiting, 1U);
    advance(3s);
    run_until([&] { return count(State::delivered) == 4; });
}

TEST_F(LaneWindowTest, RecipientsBeyondWhatATransactionTakesGoInTheNext) {
    peer_.expect(
        plain_hello() +
        Script{
            {"MAIL", "250 ok"},
            {"RCPT TO:<u0@", "250 ok"},
            {"RCPT TO:<u1@", "452 4.5.3 too many recipients"},
            {"DATA", "354 go"},
            {".", "250 taken"},
        } +
        takes_message()
    );
    const MessageId id = accept_due(2);
    start();
    run_until([&] { return count(State::delivered) == 2 && is_quiet(); });
    EXPECT_EQ(ledger_of({id, 1}), (Kinds{accepted, attempt, deferred, attempt, delivered}));
    EXPECT_FALSE(lane().status().paused_until);
}

TEST_F(LaneWindowTest, ARemappedRecipientIsSentUnderItsNewAddress) {
    RemapTable remaps{*queue_, config_};
    ASSERT_TRUE(get(remaps.add(
        Address::parse("u0@example.com").value(), Address::parse("new@other.example").value(), "ann"
    )));
    remaps_ = &remaps;
    peer_.expect(plain_hello() + takes_message());
    const MessageId id = accept_due();
    start();
    run_until([&] { return has_ended(delivered, {id, 0}) && is_quiet(); });
    EXPECT_EQ(peer_.lines()[2], "RCPT TO:<new@other.example>");
    stop();
}

TEST_F(LaneWindowTest, AServerWithOurOwnNameIsALoop) {
    peer_.expect({{"", "220 hold.example.net ESMTP"}, {"EHLO", "250 hold.example.net"}});
    const MessageId id = accept_due();
    start();
    run_until([&] { return has_ended(deferred, {id, 0}) && is_quiet(); });
    EXPECT_NE(row({id, 0}).last_reply.find("our own name"), std::string::npos);
    EXPECT_EQ(lane().status().breaker, "open");
    EXPECT_EQ(peer_.messages().size(), 0U);
}

TEST_F(LaneWindowTest, ProxiedConnectionsAreMadeForOneMessagesClient) {
    configure([](config::Server& server) { server.proxy_protocol = true; });
    peer_.expect({{"PROXY", test::drop}});
    const MessageId id = accept_due();
    start();
    run_until([&] { return has_ended(deferred, {id, 0}) && is_quiet(); });
    EXPECT_EQ(lane().status().breaker, "open");
}

}  // namespace
}  // namespace siding::relay

#include "tests/relay/lane_fixture.hpp"

#include <algorithm>

namespace siding::relay {
namespace {

using namespace std::chrono_literals;
using test::Script;
using test::takes_message;
using Kinds = std::vector<LedgerKind>;
using enum LedgerKind;

Script hello() {
    return test::hello({"8BITMIME"});
}

TEST_F(LaneTest, DeliversTheStoredOctetsBehindTheTraceHeader) {
    peer_.expect(hello() + takes_message());
    const std::string body{"Subject: x\r\n\r\n.\r\n..dots\r\n\xff\0 8 bit\r\nend\r\n", 40};
    const MessageId id = accept_due(1, body);
    start();
    run_until([&] { return has_ended(delivered, {id, 0}) && is_quiet(); });
    EXPECT_EQ(ledger_of({id, 0}), (Kinds{accepted, attempt, delivered}));
    ASSERT_EQ(peer_.messages().size(), 1U);
    std::string stuffed = body;
    stuffed.replace(stuffed.find("\r\n.\r\n..dots"), 11, "\r\n..\r\n...dots");
    EXPECT_EQ(peer_.messages()[0], "Received: from client.example\r\n" + stuffed);
    EXPECT_EQ(peer_.lines()[1], "MAIL FROM:<ann@sender.example> BODY=8BITMIME");
    EXPECT_EQ(peer_.lines()[2], "RCPT TO:<u0@example.com>");
    const auto line = queue_->store().ledger_of(id).value().back();
    EXPECT_EQ(line.server, "new");
    EXPECT_EQ(line.peer, "127.0.0.1:" + std::to_string(peer_.port()));
    EXPECT_EQ(line.reply, "250 2.0.0 taken");
    EXPECT_TRUE(queue_->store().read_envelope(id).error().is(Errc::not_found));
}

// A lane that looks for work without end costs a core and has nothing to show for it.
TEST_F(LaneTest, WithoutWorkItRests) {
    start();
    std::size_t handlers = 0;
    const auto end = std::chrono::steady_clock::now() + 500ms;
    loop_.context().restart();
    while (std::chrono::steady_clock::now() < end) {
        handlers += loop_.context().run_one_for(50ms);
    }
    EXPECT_LT(handlers, 100U);
}

TEST_F(LaneTest, RecordsTheAttemptBeforeTheServerHearsOfIt) {
    peer_.expect(hello() + takes_message());
    const MessageId id = accept_due();
    int looked = 0;
    peer_.on_line = [&](std::string_view line) {
        if (line.starts_with("MAIL") || line.starts_with("RCPT") || line == ".") {
            ++looked;
            EXPECT_EQ(row({id, 0}).state, State::in_flight) << line;
            EXPECT_EQ(row({id, 0}).attempts, 1U);
            EXPECT_EQ(ledger_of({id, 0}), (Kinds{accepted, attempt}));
        }
    };
    start();
    run_until([&] { return has_ended(delivered, {id, 0}); });
    EXPECT_EQ(looked, 3);
}

TEST_F(LaneTest, EachRecipientHasTheAnswerOfItsOwn) {
    peer_.expect(
        hello() +
        Script{
            {"MAIL", "250 ok"},
            {"RCPT TO:<u0@", "250 ok"},
            {"RCPT TO:<u1@", "450 4.2.2 full"},
            {"RCPT TO:<u2@", "550 5.1.1 nobody"},
            {"DATA", "354 go on"},
            {".", "250 taken"},
        }
    );
    const MessageId id = accept_due(3);
    start();
    run_until([&] { return has_ended(parked, {id, 2}) && is_quiet(); });
    EXPECT_EQ(ledger_of({id, 0}), (Kinds{accepted, attempt, delivered}));
    EXPECT_EQ(ledger_of({id, 1}), (Kinds{accepted, attempt, deferred}));
    EXPECT_EQ(ledger_of({id, 2}), (Kinds{accepted, attempt, parked}));
    EXPECT_EQ(row({id, 1}).state, State::due);
    EXPECT_EQ(row({id, 1}).last_reply, "450 4.2.2 full");
    EXPECT_GT(row({id, 1}).due_at, clock_.now() + 30s);
    EXPECT_EQ(row({id, 2}).state, State::parked);
    EXPECT_EQ(row({id, 2}).last_reply, "550 5.1.1 nobody");
    EXPECT_FALSE(lane().status().paused_until) << "a recipient's fate is not the server's";
}

struct Refusal {
    const char* name;
    Script script;
    LedgerKind expected;
};

class LaneRefusalTest : public LaneTest, public testing::WithParamInterface<Refusal> {};

const Script mail_and_rcpt{{"MAIL", "250 ok"}, {"RCPT", "250 ok"}};

INSTANTIATE_TEST_SUITE_P(
    Refusals,
    LaneRefusalTest,
    testing::Values(
        Refusal{"Mail4xx", {{"MAIL", "451 4.3.0 later"}}, deferred},
        Refusal{"Mail5xx", {{"MAIL", "550 5.7.1 not you"}}, parked},
        Refusal{"Rcpt4xx", {{"MAIL", "250 ok"}, {"RCPT", "450 4.2.0 grey"}}, deferred},
        Refusal{"Rcpt5xx", {{"MAIL", "250 ok"}, {"RCPT", "550 5.1.1 nobody"}}, parked},
        Refusal{"Data4xx", mail_and_rcpt + Script{{"DATA", "451 later"}}, deferred},
        Refusal{"Data5xx", mail_and_rcpt + Script{{"DATA", "554 no"}}, parked},
        Refusal{
            "End4xx",
            mail_and_rcpt + Script{{"DATA", "354 go"}, {".", "452 4.3.1 full"}},
            deferred},
        Refusal{"End5xx", mail_and_rcpt + Script{{"DATA", "354 go"}, {".", "554 spam"}}, parked},
        Refusal{"DropAtMail", {{"MAIL", test::drop}}, deferred},
        Refusal{"DropAtRcpt", {{"MAIL", "250 ok"}, {"RCPT", test::drop}}, deferred},
        Refusal{"DropAtData", mail_and_rcpt + Script{{"DATA", test::drop}}, deferred},
        Refusal{"NoSmtp", {{"MAIL", "what?"}}, deferred},
        Refusal{
            "DropAfterTheFinalDot",
            mail_and_rcpt + Script{{"DATA", "354 go"}, {".", test::drop}},
            in_doubt},
        Refusal{
            "NoSmtpAfterTheFinalDot",
            mail_and_rcpt + Script{{"DATA", "354 go"}, {".", "hm"}},
            in_doubt}
    ),
    [](const auto& one) { return one.param.name; }
);

TEST_P(LaneRefusalTest, IsRecordedAndNothingIsLost) {
    peer_.expect(hello() + GetParam().script);
    const MessageId id = accept_due();
    start();
    run_until([&] { return has_ended(GetParam().expected, {id, 0}) && is_quiet(); });
    EXPECT_EQ(ledger_of({id, 0}), (Kinds{accepted, attempt, GetParam().expected}));
    const auto left = row({id, 0});
    EXPECT_EQ(left.state, GetParam().expected == parked ? State::parked : State::due);
    EXPECT_EQ(left.attempts, 1U);
    EXPECT_FALSE(left.last_reply.empty());
    EXPECT_EQ(left.maybe_delivered, GetParam().expected == in_doubt);
    EXPECT_EQ(queue_->store().read_body_chunk(id, 0).value(), "hi\r\n");
    if (GetParam().expected == parked) {
        return;
    }
    // And is tried again at its time.
    EXPECT_GT(left.due_at, clock_.now());
    stop();
    run_until([&] { return peer_.open() == 0; });
    peer_.expect(hello() + takes_message());
    clock_.advance(10min);
    start();
    run_until([&] { return has_ended(delivered, {id, 0}); });
}

TEST_F(LaneTest, OneConnectionTakesManyMessages) {
    peer_.expect(hello() + takes_message() + takes_message() + takes_message());
    std::vector<MessageId> ids;
    for (int i = 0; i < 3; ++i) {
        ids.push_back(accept_due());
    }
    start();
    run_until([&] { return count(State::delivered) == 3 && is_quiet(); });
    EXPECT_EQ(peer_.connections(), 1U);
    EXPECT_EQ(lane().status().connections_open, 1U);
    lane().stop();
    run_until([&] { return peer_.open() == 0; });
    EXPECT_EQ(peer_.problems(), std::vector<std::string>{}) << "QUIT, then the end";
}

TEST_F(LaneTest, AConnectionThatTheServerClosedIsNotUsedAgain) {
    peer_.expect(hello() + takes_message() + Script{{"", test::drop}});
    peer_.expect(hello() + takes_message());
    accept_due();
    start();
    run_until([&] { return count(State::delivered) == 1 && is_quiet() && peer_.open() == 0; });
    const MessageId second = accept_due();
    lane().wake(clock_.now());
    run_until([&] { return count(State::delivered) == 2; });
    EXPECT_EQ(ledger_of({second, 0}), (Kinds{accepted, attempt, delivered}));
    EXPECT_EQ(peer_.connections(), 2U);
}

TEST_F(LaneTest, AServerThatSaysGoodbyeBetweenMessagesIsLeft) {
    peer_.expect(
        hello() + takes_message() + Script{{"", "421 4.3.2 going down"}, {"", test::drop}}
    );
    peer_.expect(hello() + takes_message());
    accept_due();
    accept_due();
    start();
    run_until([&] { return count(State::delivered) >= 1 && is_quiet(); });
    clock_.advance(10min);  // the second may have met the goodbye: then it waits
    lane().wake(clock_.now());
    run_until([&] { return count(State::delivered) == 2; });
}

struct Trouble {
    const char* name;
    Script script;
};
class LaneTroubleTest : public LaneTest, public testing::WithParamInterface<Trouble> {};

INSTANTIATE_TEST_SUITE_P(
    Troubles,
    LaneTroubleTest,
    testing::Values(
        Trouble{"Greeting421", {{"", "421 4.3.2 too busy"}}},
        Trouble{"Greeting554", {{"", "554 5.7.1 go away"}}},
        Trouble{"GreetingDrop", {{"", test::drop}}},
        Trouble{"Ehlo4xx", {{"", "220 hi"}, {"EHLO", "451 later"}}},
        Trouble{"Mail421", hello() + Script{{"MAIL", "421 4.7.0 slow down"}}},
        Trouble{
            "MailNeedsTls",
            hello() + Script{{"MAIL", "530 5.7.0 STARTTLS first"}, {"", test::drop}}},
        Trouble{"MailDrop", hello() + Script{{"MAIL", test::drop}}}
    ),
    [](const auto& one) { return one.param.name; }
);

// One message pays for the discovery; the others wait for the server, unburnt.
TEST_P(LaneTroubleTest, PausesTheLaneNotTheBacklog) {
    peer_.expect(GetParam().script);
    std::vector<MessageId> ids;
    for (int i = 0; i < 5; ++i) {
        ids.push_back(accept_due());
    }
    start();
    run_until([&] { return has_ended(deferred, {ids[0], 0}) && is_quiet(); });
    const auto status = lane().status();
    ASSERT_TRUE(status.paused_until);
    EXPECT_GT(*status.paused_until, clock_.now());
    EXPECT_FALSE(status.last_error.empty());
    EXPECT_EQ(row({ids[0], 0}).due_at, *status.paused_until);
    for (std::size_t i = 1; i < ids.size(); ++i) {
        EXPECT_EQ(row({ids[i], 0}).attempts, 0U);
        EXPECT_EQ(row({ids[i], 0}).state, State::due);
    }
    run_until([&] { return peer_.open() == 0; });
    EXPECT_EQ(peer_.connections(), 1U);

    Script all = hello();
    for (int i = 0; i < 5; ++i) {
        all = all + takes_message();
    }
    peer_.expect(all);
    clock_.advance(2s);
    lane().wake(clock_.now());
    run_until([&] { return count(State::delivered) == 5; });
    EXPECT_FALSE(lane().status().paused_until);
    EXPECT_EQ(lane().status().last_error, "");
}

TEST_F(LaneTest, ThePauseGrowsWhileTheServerFails) {
    const MessageId id = accept_due();
    start();
    WallTime before = clock_.now();
    std::vector<std::chrono::milliseconds> pauses;
    for (std::size_t failed = 1; failed <= 9; ++failed) {
        peer_.expect({{"", "421 busy"}});
        lane().wake(before);
        run_until([&] { return row({id, 0}).attempts == failed && is_quiet(); });
        ASSERT_TRUE(lane().status().paused_until);
        pauses.push_back(*lane().status().paused_until - clock_.now());
        clock_.advance(pauses.back());
        before = clock_.now();
    }
    EXPECT_EQ(
        pauses, (std::vector<std::chrono::milliseconds>{1s, 2s, 4s, 8s, 16s, 32s, 60s, 60s, 60s})
    );
}

TEST_F(LaneTest, ASessionThatEndsBetweenRecipientsPausesToo) {
    peer_.expect(
        hello() +
        Script{
            {"MAIL", "250 ok"}, {"RCPT TO:<u0@", "550 5.1.1 nobody"}, {"RCPT TO:<u1@", "421 bye"}}
    );
    const MessageId id = accept_due(2);
    const MessageId other = accept_due();
    start();
    run_until([&] { return has_ended(deferred, {id, 1}) && is_quiet(); });
    EXPECT_TRUE(has_ended(parked, {id, 0}));
    EXPECT_TRUE(lane().status().paused_until);
    EXPECT_EQ(row({other, 0}).attempts, 0U);
}

TEST_F(LaneTest, AFlipToHoldSendsWaitingJobsBack) {
    Script script = hello() + takes_message();
    peer_.expect(script);
    std::vector<MessageId> ids;
    for (int i = 0; i < 20; ++i) {
        ids.push_back(accept_due());
    }
    peer_.on_line = [&](std::string_view line) {
        if (line == ".") {
            set_phase(Phase::hold);
        }
    };
    start();
    run_until([&] { return count(State::held) == 19 && is_quiet(); });
    EXPECT_EQ(count(State::delivered), 1U);
    EXPECT_EQ(ledger_of({ids[7], 0}), (Kinds{accepted, held}));
    EXPECT_EQ(row({ids[7], 0}).attempts, 0U);
    EXPECT_EQ(row({ids[7], 0}).lane, "");
    EXPECT_EQ(queue_->store().counters().all().kept, 0U) << "the phase's hold, not an operator's";
}

TEST_F(LaneTest, AFlipToAnotherServerReroutes) {
    set_phase(Phase::pass_old);
    const MessageId id = accept_due();
    start();
    run_until([&] { return !woken_.empty(); });
    EXPECT_EQ(woken_, std::vector<std::string>{"old"});
    EXPECT_EQ(row({id, 0}).lane, "old");
    EXPECT_EQ(ledger_of({id, 0}), (Kinds{accepted, rerouted}));
    EXPECT_EQ(peer_.connections(), 0U);
}

TEST_F(LaneTest, WhatWasTakenAwayBeforeItsAttemptIsNotSent) {
    peer_.expect(hello() + takes_message());
    const MessageId first = accept_due();
    const MessageId held_back = accept_due();
    const MessageId dropped = accept_due();
    peer_.on_line = [&](std::string_view line) {
        if (line == ".") {
            move(queue::Event::hold, {held_back, 0}, true);
            move(queue::Event::discard, {dropped, 0});
        }
    };
    start();
    run_until([&] { return has_ended(delivered, {first, 0}) && is_quiet(); });
    EXPECT_EQ(ledger_of({held_back, 0}), (Kinds{accepted, held}));
    EXPECT_EQ(ledger_of({dropped, 0}), (Kinds{accepted, discarded}));
    EXPECT_EQ(peer_.messages().size(), 1U);
}

TEST_F(LaneTest, ACorruptBodyIsParkedAndTheRestGoesOn) {
    auto mail = test::make_message(
        queue_->next_id(),
        "ann@sender.example",
        {{"joe@example.com", {State::due, "new"}}},
        "hi\r\n"
    );
    mail.envelope.body.sha256 = sha256("ho\r\n");
    const MessageId bad = mail.envelope.id;
    commit(std::move(mail));
    peer_.expect(hello() + takes_message());
    const MessageId good = accept_due();
    start();
    run_until([&] { return has_ended(delivered, {good, 0}) && is_quiet(); });
    EXPECT_EQ(ledger_of({bad, 0}), (Kinds{accepted, parked}));
    EXPECT_NE(row({bad, 0}).last_reply.find("unreadable"), std::string::npos);
    ASSERT_EQ(peer_.messages().size(), 1U);
    EXPECT_EQ(peer_.fragments(), std::vector<std::string>{});
}

// A large body, its chunks written ahead; `damage` before the commit makes it another.
class LaneChunksTest : public LaneTest {
protected:
    MessageId accept_chunks(const std::vector<std::string>& chunks, const std::string& whole) {
        auto mail = test::make_message(
            queue_->next_id(),
            "ann@sender.example",
            {{"joe@example.com", {State::due, "new"}}},
            whole
        );
        const MessageId id = mail.envelope.id;
        for (std::uint32_t n = 0; n < chunks.size(); ++n) {
            EXPECT_TRUE(get(queue_->append_body_chunk(id, n, chunks[n])));
        }
        mail.envelope.body.chunks = 3;
        mail.inline_body.reset();
        commit(std::move(mail));
        return id;
    }
    static std::string chunk(char octet) {
        std::string out;
        for (int i = 0; i < 500; ++i) {
            out += std::string(70, octet) + "\r\n";
        }
        return out;
    }
    void expect_no_terminator(const std::vector<std::string>& chunks) {
        peer_.expect(hello() + mail_and_rcpt + Script{{"DATA", "354 go"}, {".", "250 taken"}});
        const MessageId id = accept_chunks(chunks, chunk('a') + chunk('b') + chunk('c'));
        start();
        run_until([&] { return has_ended(parked, {id, 0}) && is_quiet() && peer_.open() == 0; });
        EXPECT_EQ(ledger_of({id, 0}), (Kinds{accepted, attempt, parked}));
        EXPECT_NE(row({id, 0}).last_reply.find("unreadable"), std::string::npos);
        EXPECT_EQ(peer_.messages(), std::vector<std::string>{});
        ASSERT_EQ(peer_.fragments().size(), 1U);
        EXPECT_FALSE(peer_.fragments()[0].empty());
        EXPECT_FALSE(lane().status().paused_until) << "the server did nothing wrong";
    }
};

TEST_F(LaneChunksTest, ALargeBodyArrivesWhole) {
    peer_.expect(hello() + takes_message());
    const std::vector<std::string> chunks{chunk('a'), chunk('b'), chunk('c')};
    const MessageId id = accept_chunks(chunks, chunks[0] + chunks[1] + chunks[2]);
    start();
    run_until([&] { return has_ended(delivered, {id, 0}); });
    ASSERT_EQ(peer_.messages().size(), 1U);
    EXPECT_EQ(
        peer_.messages()[0], "Received: from client.example\r\n" + chunks[0] + chunks[1] + chunks[2]
    );
}

TEST_F(LaneChunksTest, ADamagedChunkNeverGetsItsTerminator) {
    expect_no_terminator({chunk('a'), chunk('x'), chunk('c')});
}

TEST_F(LaneChunksTest, ADamagedLastChunkNeverGetsItsTerminator) {
    expect_no_terminator({chunk('a'), chunk('b'), chunk('x')});
}

TEST_F(LaneChunksTest, AMissingChunkNeverGetsItsTerminator) {
    expect_no_terminator({chunk('a'), chunk('b')});
}

// Cut off by a shutdown that cannot wait: nobody knows whether the server has it.
TEST_F(LaneTest, AServerThatHangsAfterTheFinalDotLeavesADoubt) {
    peer_.expect(hello() + mail_and_rcpt + Script{{"DATA", "354 go"}, {".", test::hang}});
    const MessageId id = accept_due();
    start();
    run_until([&] { return !peer_.messages().empty(); });
    EXPECT_EQ(row({id, 0}).state, State::in_flight);
    stop();
    queue_.reset();
    open();
    EXPECT_EQ(row({id, 0}).state, State::due);
    EXPECT_TRUE(row({id, 0}).maybe_delivered);
}

}  // namespace
}  // namespace siding::relay

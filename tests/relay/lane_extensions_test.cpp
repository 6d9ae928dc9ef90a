// What the server offers and the message needs: limits, BDAT, DSN.
#include "tests/relay/lane_fixture.hpp"

namespace siding::relay {
namespace {

using test::Script;
using test::takes_message;
using Kinds = std::vector<LedgerKind>;
using enum LedgerKind;

constexpr auto trace_header = "Received: from client.example\r\n";

Script hello(const std::string& keyword) {
    return test::hello({"8BITMIME", keyword});
}

Script takes_for(const std::vector<std::string>& recipients) {
    Script script{{"MAIL", "250 ok"}};
    for (const std::string& recipient : recipients) {
        script.push_back({"RCPT TO:<" + recipient + "@", "250 ok"});
    }
    return script + Script{{"DATA", "354 go"}, {".", "250 taken"}};
}

class LaneExtensionsTest : public LaneTest {
protected:
    queue::AcceptMessage make_mail(
        const std::vector<std::string>& mail_parameters, const std::string& body
    ) {
        auto mail = test::make_message(
            queue_->next_id(), "ann@sender.example", {{"u0@example.com", {State::due, "new"}}}, body
        );
        mail.envelope.mail_parameters = mail_parameters;
        return mail;
    }
    MessageId accept_mail(queue::AcceptMessage mail) {
        const MessageId id = mail.envelope.id;
        commit(std::move(mail));
        return id;
    }
    // The body in pieces written ahead; `whole` is what the envelope says it was.
    MessageId accept_pieces(const std::vector<std::string>& pieces, const std::string& whole) {
        auto mail = make_mail({"BODY=BINARYMIME"}, whole);
        for (std::uint32_t n = 0; n < pieces.size(); ++n) {
            EXPECT_TRUE(get(queue_->append_body_chunk(mail.envelope.id, n, pieces[n])));
        }
        mail.envelope.body.chunks = static_cast<std::uint32_t>(pieces.size());
        mail.inline_body.reset();
        return accept_mail(std::move(mail));
    }
};

TEST_F(LaneExtensionsTest, RecipientsGoInAsManyTransactionsAsTheServerWants) {
    peer_.expect(
        hello("LIMITS RCPTMAX=2") + takes_for({"u0", "u1"}) + takes_for({"u2", "u3"}) +
        takes_for({"u4"})
    );
    const MessageId id = accept_due(5);
    std::size_t mails = 0;
    peer_.on_line = [&](std::string_view line) {
        if (line.starts_with("MAIL") && ++mails == 2) {
            EXPECT_EQ(ledger_of({id, 0}), (Kinds{accepted, attempt, delivered}));
            EXPECT_EQ(row({id, 2}).state, State::in_flight);
            EXPECT_EQ(row({id, 4}).state, State::due) << "its attempt has not begun";
        }
    };
    start();
    run_until([&] { return count(State::delivered) == 5 && is_quiet(); });
    EXPECT_EQ(mails, 3U);
    EXPECT_EQ(peer_.connections(), 1U);
}

TEST_F(LaneExtensionsTest, ALossInTheSecondTransactionLeavesTheThirdUnburnt) {
    peer_.expect(hello("LIMITS RCPTMAX=1") + takes_for({"u0"}) + Script{{"MAIL", test::drop}});
    const MessageId id = accept_due(3);
    start();
    run_until([&] { return has_ended(deferred, {id, 1}) && is_quiet(); });
    EXPECT_EQ(ledger_of({id, 0}), (Kinds{accepted, attempt, delivered}));
    EXPECT_EQ(ledger_of({id, 2}), (Kinds{accepted}));
    EXPECT_EQ(row({id, 2}).attempts, 0U);
    EXPECT_TRUE(lane().status().paused_until);
    run_until([&] { return peer_.open() == 0; });
    // One at a time after a failure, the one that is due longest first.
    peer_.expect(hello("HELP") + takes_for({"u2"}) + takes_for({"u1"}));
    clock_.advance(std::chrono::minutes{10});
    lane().wake(clock_.now());
    run_until([&] { return count(State::delivered) == 3; });
}

TEST_F(LaneExtensionsTest, ASpentConnectionIsLeftPolitely) {
    for (int i = 0; i < 3; ++i) {
        peer_.expect(hello("LIMITS MAILMAX=1 RCPTMAX=1") + takes_message());
    }
    const MessageId two = accept_due(2);
    const MessageId one = accept_due();
    start();
    run_until([&] { return count(State::delivered) == 3 && is_quiet() && peer_.is_done(); });
    EXPECT_EQ(ledger_of({two, 1}), (Kinds{accepted, attempt, delivered}));
    EXPECT_EQ(ledger_of({one, 0}), (Kinds{accepted, attempt, delivered}));
    EXPECT_EQ(peer_.connections(), 3U);
}

const Script takes_chunk{
    {"MAIL FROM:<ann@sender.example> BODY=BINARYMIME", "250 ok"},
    {"RCPT TO:<u0@", "250 ok"},
    {"BDAT ", "250 taken"},
};

TEST_F(LaneExtensionsTest, ABinaryBodyArrivesAsItIs) {
    peer_.expect(test::hello({"8BITMIME", "CHUNKING", "BINARYMIME"}) + takes_chunk);
    const std::string body{".\r\n\0\r\n.\r\nbare \r and \n, no end", 29};
    const MessageId id = accept_mail(make_mail({"BODY=BINARYMIME"}, body));
    start();
    run_until([&] { return has_ended(delivered, {id, 0}); });
    EXPECT_EQ(peer_.messages(), std::vector<std::string>{trace_header + body});
}

TEST_F(LaneExtensionsTest, ALargeBinaryBodyIsOneChunk) {
    peer_.expect(test::hello({"CHUNKING", "BINARYMIME"}) + takes_chunk);
    const std::vector<std::string> pieces{
        std::string(100'000, '\r'), std::string(100'000, '\n'), std::string(7, '\0')};
    const std::string whole = pieces[0] + pieces[1] + pieces[2];
    const MessageId id = accept_pieces(pieces, whole);
    start();
    run_until([&] { return has_ended(delivered, {id, 0}); });
    EXPECT_EQ(peer_.messages(), std::vector<std::string>{trace_header + whole});
    EXPECT_EQ(peer_.lines().back(), "BDAT 200038 LAST");
}

struct Damage {
    const char* name;
    std::vector<std::string> pieces;  // of "aabbcc"
};
class LaneDamageTest : public LaneExtensionsTest, public testing::WithParamInterface<Damage> {};

INSTANTIATE_TEST_SUITE_P(
    Damages,
    LaneDamageTest,
    testing::Values(
        Damage{"Changed", {"aa", "bx", "cc"}},
        Damage{"Missing", {"aa", "bb", "c"}},
        Damage{"TooMany", {"aa", "bbbbbb", "cc"}},
        Damage{"TooManyAtTheEnd", {"aa", "bb", "ccc"}}
    ),
    [](const auto& one) { return one.param.name; }
);

// The server has heard how many octets come, and would take that many for the message.
TEST_P(LaneDamageTest, TheChunkIsNeverWhole) {
    peer_.expect(test::hello({"CHUNKING", "BINARYMIME"}) + takes_chunk);
    const MessageId id = accept_pieces(GetParam().pieces, "aabbcc");
    start();
    run_until([&] { return has_ended(parked, {id, 0}) && is_quiet() && peer_.open() == 0; });
    EXPECT_NE(row({id, 0}).last_reply.find("unreadable"), std::string::npos);
    EXPECT_EQ(peer_.messages(), std::vector<std::string>{});
    EXPECT_FALSE(lane().status().paused_until) << "the server did nothing wrong";
}

struct Need {
    const char* name;
    std::string parameter;
    std::string reply;
};
class LaneNeedTest : public LaneExtensionsTest, public testing::WithParamInterface<Need> {};

INSTANTIATE_TEST_SUITE_P(
    Needs,
    LaneNeedTest,
    testing::Values(
        Need{"Binary", "BODY=BINARYMIME", "554 5.6.3 not sent"},
        Need{"Utf8", "SMTPUTF8", "550 5.6.7 not sent"},
        Need{"RequireTls", "REQUIRETLS", "550 5.7.30 not sent"}
    ),
    [](const auto& one) { return one.param.name; }
);

TEST_P(LaneNeedTest, WhatTheServerCannotTakeIsParkedAndTheRestGoesOn) {
    peer_.expect(test::hello({"8BITMIME", "REQUIRETLS"}) + takes_message());
    const MessageId id = accept_mail(make_mail({GetParam().parameter}, "hi\r\n"));
    const MessageId other = accept_due();
    start();
    run_until([&] { return has_ended(delivered, {other, 0}) && has_ended(parked, {id, 0}); });
    EXPECT_EQ(row({id, 0}).last_reply.substr(0, GetParam().reply.size()), GetParam().reply);
    EXPECT_FALSE(lane().status().paused_until);
    EXPECT_EQ(peer_.connections(), 1U);
}

TEST_F(LaneExtensionsTest, WishesForReportsArePassedOnVerbatim) {
    peer_.expect(test::hello({"DSN"}) + takes_message());
    const MessageId id = accept_mail(make_mail({"SIZE=5", "ret=HDRS", "ENVID=a+2Bb"}, "hi\r\n"));
    start();
    run_until([&] { return has_ended(delivered, {id, 0}); });
    EXPECT_EQ(peer_.lines()[1], "MAIL FROM:<ann@sender.example> ret=HDRS ENVID=a+2Bb");
    EXPECT_EQ(peer_.lines()[2], "RCPT TO:<u0@example.com> NOTIFY=NEVER ORCPT=rfc822;x");
}

}  // namespace
}  // namespace siding::relay

#include "relay/verify_verdict.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace siding::relay {
namespace {

using smtp::EnhancedCode;
using smtp::Reply;
using smtp::Stage;

struct Row {
    Reply reply;
    Existence expected;
};

TEST(VerifyVerdict, RepliesToRcpt) {
    const Existence unknown = Existence::unknown;
    const Existence exists = Existence::exists;
    const Existence undecided = Existence::undecided;
    const std::vector<Row> rows{
        {{550, {5, 1, 1}, "no such user"}, unknown},
        {{550, "Unrouteable address"}, unknown},  // Exim, without enhanced codes
        {{551, "user not local"}, unknown},
        {{553, {5, 1, 3}, "bad syntax"}, unknown},
        {{553, "mailbox name not allowed"}, unknown},
        {{550, {5, 1, 10}, "RESOLVER.ADR.RecipientNotFound"}, unknown},
        {{550, {5, 4, 1}, "Recipient address rejected: Access denied"}, unknown},
        {{550, {5, 0, 0}, "mailbox unavailable"}, unknown},
        {{550, {5, 1, 6}, "has moved"}, unknown},

        {{550, {5, 2, 1}, "account is disabled"}, exists},
        {{552, {5, 2, 2}, "mailbox full"}, exists},
        {{552, "over quota"}, exists},

        {{552, {5, 5, 3}, "too many recipients"}, undecided},
        {{550, {5, 1, 0}, "Sender address rejected: User unknown"}, undecided},
        {{550, {5, 1, 2}, "domain not found"}, undecided},
        {{550, {5, 1, 8}, "Sender address rejected: Domain not found"}, undecided},
        {{554, {5, 7, 1}, "Relay access denied"}, undecided},
        {{550, {5, 7, 64}, "TenantAttribution; Relay Access Denied"}, undecided},
        {{550, {5, 7, 1}, "Service unavailable, client host blocked"}, undecided},
        {{554, "go away"}, undecided},
        {{554, {5, 4, 1}, "no answer from host"}, undecided},
        {{503, {5, 5, 1}, "need MAIL first"}, undecided},
        {{450, {4, 2, 0}, "greylisted"}, undecided},
        {{452, {4, 2, 2}, "mailbox full"}, undecided},
        {{421, {4, 3, 2}, "closing"}, undecided},
        {{354, "what?"}, undecided},
    };
    for (const Row& row : rows) {
        EXPECT_EQ(judge_probe(judge_reply(Stage::rcpt, row.reply)), row.expected)
            << row.reply.text();
    }
}

TEST(VerifyVerdict, AcceptanceExists) {
    for (const int code : {250, 251, 252}) {
        auto verdict = smtp::judge_reply(Stage::rcpt, {code, "ok"});
        verdict.kind = smtp::VerdictKind::delivered;
        EXPECT_EQ(judge_probe(verdict), Existence::exists) << code;
    }
}

TEST(VerifyVerdict, WhatIsSaidElsewhereSaysNothingOfTheAddress) {
    const Reply reply{550, {5, 1, 1}, "no such user"};
    for (const Stage stage : {Stage::connect, Stage::greeting, Stage::hello, Stage::mail}) {
        EXPECT_EQ(judge_probe(smtp::judge_reply(stage, reply)), Existence::undecided)
            << to_text(stage);
    }
    EXPECT_EQ(judge_probe(smtp::judge_loss(Stage::rcpt, "lost")), Existence::undecided);
    EXPECT_EQ(judge_probe(smtp::refuse_to_send("no SMTPUTF8")), Existence::undecided);
}

}  // namespace
}  // namespace siding::relay

#include "relay/lane_outcome.hpp"

#include "relay/lane_transaction.hpp"

#include <gtest/gtest.h>

namespace siding::relay {
namespace {

using namespace std::chrono_literals;
using queue::OutcomeKind;
using smtp::Stage;
using enum Trouble;

smtp::Verdict reply(Stage stage, int code, const char* text) {
    return smtp::judge_reply(stage, smtp::Reply{code, text});
}

smtp::Verdict reply(Stage stage, int code, smtp::EnhancedCode enhanced, const char* text) {
    return smtp::judge_reply(stage, smtp::Reply{code, enhanced, text});
}

struct Row {
    const char* name;
    smtp::Verdict verdict;
    bool delivered_before;
    Trouble trouble;
    OutcomeKind kind;
};

class LaneOutcomeTest : public testing::TestWithParam<Row> {};

INSTANTIATE_TEST_SUITE_P(
    Verdicts,
    LaneOutcomeTest,
    testing::Values(
        Row{"Delivered",
            reply(Stage::end_of_data, 250, {2, 0, 0}, "taken"),
            false,
            none,
            OutcomeKind::delivered},
        Row{"NoSuchUser",
            reply(Stage::rcpt, 550, {5, 1, 1}, "nobody"),
            false,
            none,
            OutcomeKind::parked},
        Row{"FullMailbox",
            reply(Stage::rcpt, 452, {4, 2, 2}, "over quota"),
            false,
            none,
            OutcomeKind::deferred},
        Row{"Greylisted",
            reply(Stage::rcpt, 450, {4, 7, 1}, "Greylisted, try again later"),
            false,
            none,
            OutcomeKind::deferred},
        Row{"BusyMailbox",
            reply(Stage::rcpt, 450, {4, 2, 1}, "The user is receiving mail too quickly"),
            false,
            mailbox,
            OutcomeKind::deferred},
        Row{"TooManyRecipients",
            reply(Stage::rcpt, 452, {4, 5, 3}, "too many recipients"),
            false,
            separate,
            OutcomeKind::deferred},
        Row{"SeveralDomains",
            reply(Stage::rcpt, 451, {4, 3, 0}, "Multiple destination domains per transaction"),
            false,
            separate,
            OutcomeKind::deferred},
        Row{"Exim421AfterSome",
            reply(Stage::mail, 421, "too many messages in this connection"),
            true,
            spent,
            OutcomeKind::deferred},
        Row{"OpenSmtpd452AfterSome",
            reply(Stage::mail, 452, {4, 5, 3}, "Too many messages sent"),
            true,
            spent,
            OutcomeKind::deferred},
        Row{"SlowDown",
            reply(Stage::mail, 421, {4, 7, 0}, "slow down"),
            true,
            load,
            OutcomeKind::deferred},
        Row{"Throttled",
            reply(Stage::mail, 451, {4, 7, 500}, "Server busy. Please try again later."),
            false,
            reputation,
            OutcomeKind::deferred},
        Row{"UnusualRate",
            reply(Stage::end_of_data, 421, {4, 7, 28}, "unusual rate"),
            false,
            reputation,
            OutcomeKind::deferred},
        // Our address is banned; no message can be blamed for it, so none is parked.
        Row{"Banned",
            reply(Stage::mail, 550, {5, 7, 606}, "Access denied, banned sending IP"),
            false,
            reputation,
            OutcomeKind::deferred},
        Row{"Dmarc",
            reply(Stage::end_of_data, 550, {5, 7, 509}, "does not pass DMARC"),
            false,
            none,
            OutcomeKind::parked},
        Row{"GreetingRefused",
            reply(Stage::greeting, 554, "go away"),
            false,
            failure,
            OutcomeKind::deferred},
        Row{"Lost", smtp::judge_loss(Stage::rcpt, "lost"), true, failure, OutcomeKind::deferred},
        Row{"LostAfterTheDot",
            smtp::judge_loss(Stage::end_of_data, "lost"),
            false,
            failure,
            OutcomeKind::in_doubt},
        Row{"OurRefusal",
            smtp::refuse_to_send("550 5.6.7 not sent"),
            false,
            none,
            OutcomeKind::parked}
    ),
    [](const auto& one) { return one.param.name; }
);

TEST_P(LaneOutcomeTest, IsTakenForWhatItIs) {
    const Trouble trouble = trouble_of(GetParam().verdict, GetParam().delivered_before);
    EXPECT_EQ(trouble, GetParam().trouble);
    EXPECT_EQ(outcome_of(GetParam().verdict, trouble), GetParam().kind);
    EXPECT_EQ(counts_as_attempt(trouble), trouble == none);
}

TEST(LaneOutcomeWaitTest, AMailboxIsLeftAloneForLonger) {
    EXPECT_EQ(mailbox_wait(1), 1min);
    EXPECT_EQ(mailbox_wait(2), 2min);
    EXPECT_EQ(mailbox_wait(99), 30min);
}

TEST(LaneLoopTest, AServerWithOurNameIsOurselves) {
    EXPECT_TRUE(check_loop("hold.example.net", "220 Hold.example.net ESMTP", "x"));
    EXPECT_TRUE(check_loop("hold.example.net", "hold.example.net ESMTP", "x"));
    EXPECT_TRUE(check_loop("hold.example.net", "220 mx", "hold.example.net"));
    EXPECT_FALSE(check_loop("hold.example.net", "220 hold.example.network", "mx.example"));
    EXPECT_FALSE(check_loop("hold.example.net", "", ""));
    EXPECT_FALSE(check_loop("", "", ""));
}

}  // namespace
}  // namespace siding::relay

#include "relay/pass_verdict.hpp"

#include <gtest/gtest.h>

namespace siding::relay {
namespace {

using smtp::Reply;
using smtp::Stage;
using smtp::Verdict;
using smtp::VerdictKind;

Verdict said(Stage stage, int code, smtp::EnhancedCode enhanced, const std::string& text) {
    return smtp::judge_reply(stage, Reply{code, enhanced, text});
}

Verdict yes_to_rcpt() {
    Verdict verdict = said(Stage::rcpt, 250, {2, 1, 5}, "Ok");
    verdict.kind = VerdictKind::delivered;
    return verdict;
}

struct AnswerCase {
    Verdict verdict;
    PassAnswer expected;
};

TEST(PassVerdict, TheSenderHearsOnlyWhatIsAboutItsMail) {
    const std::vector<AnswerCase> cases{
        {yes_to_rcpt(), PassAnswer::yes},
        {said(Stage::end_of_data, 250, {2, 0, 0}, "Ok: queued as 4F2"), PassAnswer::yes},
        {said(Stage::rcpt, 550, {5, 1, 1}, "<bob@example.com>: no such user"), PassAnswer::no},
        {said(Stage::mail, 550, {5, 1, 8}, "Sender address rejected"), PassAnswer::no},
        {said(Stage::end_of_data, 554, {5, 7, 1}, "Spam message rejected"), PassAnswer::no},
        {said(Stage::data, 554, {5, 5, 1}, "No valid recipients"), PassAnswer::no},
        // For now: we wait, not the sender.
        {said(Stage::rcpt, 450, {4, 2, 0}, "Greylisted"), PassAnswer::queue},
        {said(Stage::rcpt, 421, {4, 3, 2}, "Shutting down"), PassAnswer::queue},
        {said(Stage::end_of_data, 451, {4, 3, 0}, "Queue file write error"), PassAnswer::queue},
        // About the session, whatever the code.
        {said(Stage::greeting, 554, {5, 7, 1}, "No mail from you"), PassAnswer::queue},
        {said(Stage::mail, 530, {5, 7, 0}, "Must issue STARTTLS first"), PassAnswer::queue},
        {smtp::judge_loss(Stage::connect, "Connection refused"), PassAnswer::queue},
        {smtp::judge_loss(Stage::rcpt, "no answer within 20 s"), PassAnswer::queue},
        {smtp::judge_loss(Stage::end_of_data, "Connection reset"), PassAnswer::queue},
        // About us: the sender can do nothing.
        {said(Stage::rcpt, 554, {5, 7, 1}, "<bob@example.com>: Relay access denied"),
         PassAnswer::queue},
        {said(Stage::rcpt, 530, {5, 7, 0}, "Authentication required"), PassAnswer::queue},
        {said(Stage::end_of_data, 550, {5, 7, 23}, "SPF validation failed"), PassAnswer::queue},
        {said(Stage::end_of_data, 550, {5, 7, 26}, "DMARC policy: reject"), PassAnswer::no},
        // What the server has said it cannot take: the sender can only do something about the size.
        {smtp::refuse_to_send("550 5.6.7 not sent: the server does not offer SMTPUTF8"),
         PassAnswer::queue},
        {smtp::refuse_to_send("552 5.3.4 not sent: 20 octets, the server takes at most 10"),
         PassAnswer::no},
    };
    for (const AnswerCase& one : cases) {
        EXPECT_EQ(answer_of(one.verdict), one.expected)
            << smtp::to_text(one.verdict.stage) << " " << one.verdict.text;
    }
}

TEST(PassVerdict, TooLargeIsSaidInOurWords) {
    const auto verdict = smtp::refuse_to_send("552 5.3.4 not sent: 20 octets, at most 10");
    EXPECT_EQ(reply_of(verdict).text(), "552 5.3.4 Message size exceeds fixed limit");
}

TEST(PassVerdict, OtherWordsAreVerbatim) {
    const Verdict verdict = said(Stage::rcpt, 550, {5, 1, 1}, "  <Bob@example.com>...  unknown");
    EXPECT_EQ(as_ours(reply_of(verdict), {}, "hold.example.net"), *verdict.reply);
}

struct WordsCase {
    const char* theirs;
    const char* ours;
};

TEST(PassVerdict, TheirNameBecomesOurs) {
    const std::vector<std::string> names{"mail.old.example", "10.0.0.5", "2001:db8::5", "mail"};
    const std::vector<WordsCase> cases{
        {"mail.old.example shutting down", "hold.example.net shutting down"},
        {"by Mail.Old.Example.", "by hold.example.net."},
        {"[10.0.0.5] says no (mail.old.example)", "[hold.example.net] says no (hold.example.net)"},
        {"2001:db8::5: no", "hold.example.net: no"},
        {"mail.old.example:25 is closed", "hold.example.net:25 is closed"},
        // Not its name, or not as a name.
        {"<bob@mail.old.example>: unknown", "<bob@mail.old.example>: unknown"},
        {"see http://www.mail.old.example/", "see http://www.mail.old.example/"},
        {"mail.old.example.com", "mail.old.example.com"},
        {"110.0.0.5 and 10.0.0.55", "110.0.0.5 and 10.0.0.55"},
        {"2001:db8::5:1", "2001:db8::5:1"},
        {"no mail today", "no mail today"},
        {"", ""},
    };
    for (const WordsCase& one : cases) {
        const Reply reply{550, {5, 1, 1}, one.theirs};
        EXPECT_EQ(as_ours(reply, names, "hold.example.net").lines.front(), one.ours);
    }
}

TEST(PassVerdict, EveryLineIsOurs) {
    Reply reply{550, {5, 7, 1}, "mail.old.example: no"};
    reply.lines.emplace_back("ask mail.old.example");
    const std::vector<std::string> names{"mail.old.example"};
    const Reply ours = as_ours(reply, names, "hold.example.net");
    EXPECT_EQ(
        smtp::format_reply(ours),
        "550-5.7.1 hold.example.net: no\r\n550 5.7.1 ask hold.example.net\r\n"
    );
}

constexpr WallTime later{std::chrono::hours{1000}};

Passed passed(std::optional<Verdict> verdict) {
    Passed out;
    out.server = "old";
    out.verdict = std::move(verdict);
    out.peer = "192.0.2.1:25";
    out.tls = "TLSv1.3 TLS_AES_256_GCM_SHA384 unverified";
    out.next_attempt_at = later;
    return out;
}

TEST(PassVerdict, DeliveredIsFinal) {
    const auto placed = place_passed(passed(said(Stage::end_of_data, 250, {2, 0, 0}, "Ok")));
    EXPECT_EQ(placed.state, queue::State::delivered);
    EXPECT_EQ(placed.lane, "old");
    EXPECT_EQ(placed.reply, "250 2.0.0 Ok");
    EXPECT_EQ(placed.peer, "192.0.2.1:25");
    EXPECT_EQ(placed.tls, "TLSv1.3 TLS_AES_256_GCM_SHA384 unverified");
    EXPECT_FALSE(placed.attempted || placed.in_doubt || placed.pinned);
}

TEST(PassVerdict, WhatTheServerDidNotTakeIsDue) {
    struct Case {
        std::optional<Verdict> verdict;
        bool attempted;
        bool in_doubt;
        WallTime due_at;
    };
    const std::vector<Case> cases{
        {std::nullopt, false, false, {}},  // nobody was asked: at once
        {said(Stage::rcpt, 450, {4, 2, 0}, "Greylisted"), true, false, later},
        {smtp::judge_loss(Stage::connect, "refused"), true, false, {}},
        {smtp::judge_loss(Stage::rcpt, "reset"), true, false, {}},
        {smtp::judge_loss(Stage::end_of_data, "reset"), true, true, later},
        {yes_to_rcpt(), true, false, {}},  // the message itself was never sent
        {said(Stage::end_of_data, 554, {5, 7, 1}, "Spam"), true, false, {}},
        {smtp::refuse_to_send("550 5.6.7 not sent"), true, false, {}},
    };
    for (const Case& one : cases) {
        const auto placed = place_passed(passed(one.verdict));
        const std::string what = one.verdict ? one.verdict->text : "not asked";
        EXPECT_EQ(placed.state, queue::State::due) << what;
        EXPECT_EQ(placed.lane, "old") << what;
        EXPECT_EQ(placed.attempted, one.attempted) << what;
        EXPECT_EQ(placed.in_doubt, one.in_doubt) << what;
        EXPECT_EQ(placed.due_at, one.due_at) << what;
        EXPECT_EQ(placed.reply, one.verdict ? one.verdict->text : "") << what;
    }
}

TEST(PassVerdict, TheMessageIsRefusedOnlyIfNobodyTookIt) {
    const Passed taken = passed(said(Stage::end_of_data, 250, {2, 0, 0}, "Ok: queued as 1"));
    const Passed refused = passed(said(Stage::end_of_data, 554, {5, 7, 1}, "Spam"));
    const Passed other = passed(said(Stage::end_of_data, 550, {5, 7, 0}, "Also spam"));
    const Passed queued = passed(said(Stage::rcpt, 450, {4, 2, 0}, "Greylisted"));
    const Passed* const held = nullptr;
    using List = std::vector<const Passed*>;

    EXPECT_EQ(refusal_of(List{&refused, &refused})->text(), "554 5.7.1 Spam");
    EXPECT_EQ(refusal_of(List{&refused, &other})->text(), "554 5.7.1 Spam");
    EXPECT_FALSE(refusal_of(List{&refused, &taken}));
    EXPECT_FALSE(refusal_of(List{&refused, &queued}));
    EXPECT_FALSE(refusal_of(List{held, &refused}));
    EXPECT_FALSE(refusal_of(List{held}));
    EXPECT_FALSE(refusal_of(List{}));

    EXPECT_EQ(acceptance_of(List{&taken, &taken})->text(), "250 2.0.0 Ok: queued as 1");
    EXPECT_FALSE(acceptance_of(List{&taken, &queued}));
    EXPECT_FALSE(acceptance_of(List{&taken, held}));
    EXPECT_FALSE(acceptance_of(List{&queued}));
    EXPECT_FALSE(acceptance_of(List{}));
}

}  // namespace
}  // namespace siding::relay

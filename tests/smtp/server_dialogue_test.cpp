// What transcripts cannot say: facts inside actions, misuse by the shell. The rest of the machine:
// tests/transcripts/inbound.
#include "smtp/server_dialogue.hpp"

#include <gtest/gtest.h>

namespace siding::smtp {
namespace {

template <typename T>
T expect(const Step& step) {
    EXPECT_TRUE(std::holds_alternative<T>(step.action)) << step.output;
    return std::get<T>(step.action);
}

ServerDialogue greeted(ServerOptions options = {"mx.example.com"}) {
    ServerDialogue dialogue{std::move(options)};
    dialogue.greet();
    dialogue.on_line("EHLO client.example");
    return dialogue;
}

TEST(ServerDialogue, asks_with_what_the_client_said) {
    ServerDialogue dialogue = greeted();
    const auto mail =
        expect<action::CheckMail>(dialogue.on_line("MAIL FROM:<A@x.example> body=8BITMIME SIZE=7"));
    EXPECT_EQ(mail.reverse_path.text, "A@x.example");
    EXPECT_EQ(mail.parameters.size, 7U);
    dialogue.on_accepted();
    const auto rcpt = expect<action::CheckRcpt>(dialogue.on_line("RCPT TO:<B@Example.com>"));
    EXPECT_EQ(rcpt.forward_path.address->key(), "b@example.com");
    dialogue.on_accepted();
    expect<action::ReceiveData>(dialogue.on_line("DATA"));
    const auto commit = expect<action::Commit>(dialogue.on_data_end({}));
    EXPECT_EQ(commit.envelope.helo, "client.example");
    EXPECT_TRUE(commit.envelope.is_esmtp);
    EXPECT_EQ(commit.envelope.mail_parameters.body, Body::eight_bit_mime);
    EXPECT_EQ(commit.envelope.mail_parameters.text(), "body=8BITMIME SIZE=7");
    ASSERT_EQ(commit.envelope.recipients.size(), 1U);
    EXPECT_EQ(commit.envelope.recipients[0].path.text, "B@Example.com");
}

TEST(ServerDialogue, every_outcome_of_a_body_leaves_no_transaction) {
    const DataSummary summaries[] = {{}, {true, false, 0}, {false, true, 0}, {false, false, 50}};
    const Reply answers[] = {
        {250, {2, 0, 0}, "ok"}, {451, {4, 3, 0}, "no"}, {550, {5, 7, 1}, "no"}};
    for (const DataSummary& summary : summaries) {
        for (const Reply& answer : answers) {
            ServerDialogue dialogue = greeted();
            dialogue.on_line("MAIL FROM:<>");
            dialogue.on_accepted();
            dialogue.on_line("RCPT TO:<b@example.com>");
            dialogue.on_accepted();
            dialogue.on_line("DATA");
            if (std::holds_alternative<action::Commit>(dialogue.on_data_end(summary).action)) {
                dialogue.on_answer(answer);
            }
            EXPECT_TRUE(dialogue.on_line("RCPT TO:<b@example.com>").output.starts_with("503 "));
            EXPECT_TRUE(dialogue.on_line("DATA").output.starts_with("503 "));
            expect<action::CheckMail>(dialogue.on_line("MAIL FROM:<>"));
        }
    }
}

TEST(ServerDialogue, endless_line_and_endless_recipients) {
    ServerDialogue dialogue = greeted();
    const Step step = dialogue.on_line_endless();
    EXPECT_TRUE(step.output.starts_with("500 5.5.2"));
    expect<action::Close>(step);

    ServerDialogue patient = greeted({"mx.example.com", 2, 1000});
    patient.on_line("MAIL FROM:<>");
    patient.on_accepted();
    for (int i = 0; i < 2; ++i) {
        patient.on_line("RCPT TO:<b@example.com>");
        patient.on_accepted();
    }
    int answers = 0;
    while (std::holds_alternative<action::ReadCommand>(
        patient.on_line("RCPT TO:<b@example.com>").action
    )) {
        ASSERT_LT(++answers, 100);
    }
    EXPECT_EQ(answers, 21);  // two, and then nineteen errors before the last
}

TEST(ServerDialogueDeathTest, misuse_is_our_bug) {
    ServerDialogue dialogue = greeted();
    EXPECT_DEATH(dialogue.on_accepted(), "no question");
    EXPECT_DEATH(dialogue.on_data_end({}), "without DATA");
    dialogue.on_line("MAIL FROM:<>");
    EXPECT_DEATH(dialogue.on_line("NOOP"), "awaited");
}

}  // namespace
}  // namespace siding::smtp

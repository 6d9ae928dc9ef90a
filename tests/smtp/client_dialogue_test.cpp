// Which deadline each answer has, and misuse. The rest of the machine: tests/transcripts/outbound.
#include "smtp/client_dialogue.hpp"

#include "base/limits.hpp"

#include <gtest/gtest.h>

namespace siding::smtp {
namespace {

Wait wait_of(const ClientStep& step) {
    EXPECT_TRUE(std::holds_alternative<client_action::ReadReply>(step.action)) << step.output;
    return std::get<client_action::ReadReply>(step.action).wait;
}

Transaction transaction() {
    return Transaction{"a@x.example", {}, {{"b@example.com", {}}}, 10};
}

TEST(ClientDialogue, each_wait_has_its_class) {
    ClientDialogue dialogue{{"mx.example.com"}};
    EXPECT_EQ(wait_of(dialogue.on_connected()), Wait::greeting);
    EXPECT_EQ(wait_of(dialogue.on_reply({220, "hi"})), Wait::hello);
    dialogue.on_reply({250, "hi"});
    EXPECT_TRUE(dialogue.is_ready());
    EXPECT_EQ(wait_of(dialogue.begin(transaction())), Wait::mail);
    EXPECT_EQ(wait_of(dialogue.on_reply({250, "ok"})), Wait::rcpt);
    EXPECT_EQ(wait_of(dialogue.on_reply({250, "ok"})), Wait::data);
    const ClientStep body = dialogue.on_reply({354, "go"});
    EXPECT_TRUE(std::holds_alternative<client_action::SendBody>(body.action));
    const ClientStep end = dialogue.on_body_end(".\r\n");
    EXPECT_EQ(end.output, ".\r\n");
    EXPECT_EQ(wait_of(end), Wait::end_of_data);
    const ClientStep done = dialogue.on_reply({250, "ok"});
    ASSERT_EQ(done.answers.size(), 1U);
    ASSERT_EQ(done.answers[0].verdicts.size(), 1U);
    EXPECT_EQ(done.answers[0].verdicts[0].kind, VerdictKind::delivered);
    EXPECT_EQ(wait_of(dialogue.quit()), Wait::quit);
}

TEST(ClientDialogue, a_loss_while_idle_is_nobodys_failure) {
    ClientDialogue dialogue{{"mx.example.com"}};
    dialogue.on_connected();
    dialogue.on_reply({220, "hi"});
    dialogue.on_reply({250, "hi"});
    const ClientStep step = dialogue.on_lost("closed by peer");
    EXPECT_TRUE(std::holds_alternative<client_action::Close>(step.action));
    EXPECT_TRUE(step.answers.empty());
    EXPECT_FALSE(step.session_failure.has_value());
}

TEST(ClientDialogue, tls_forgets_what_was_learnt_in_the_clear) {
    ClientDialogue dialogue{{"mx.example.com", true, ClientTls::opportunistic}};
    dialogue.on_connected();
    dialogue.on_reply({220, "hi"});
    Reply hello{250, "hi"};
    hello.lines = {"hi", "STARTTLS", "PIPELINING", "LIMITS RCPTMAX=7 MAILMAX=1"};
    EXPECT_EQ(wait_of(dialogue.on_reply(hello)), Wait::hello);
    const ClientStep start = dialogue.on_reply({220, "go"});
    EXPECT_TRUE(std::holds_alternative<client_action::StartTls>(start.action));
    EXPECT_FALSE(dialogue.is_tls());
    EXPECT_EQ(wait_of(dialogue.on_tls_started(false)), Wait::hello);
    EXPECT_TRUE(dialogue.is_tls());
    EXPECT_EQ(dialogue.extensions(), Extensions{});
    dialogue.on_reply({250, "hi"});
    EXPECT_TRUE(dialogue.is_ready());
    EXPECT_GT(dialogue.recipients_max(), 1000U);
    EXPECT_FALSE(dialogue.is_spent());
}

TEST(ClientDialogueDeathTest, misuse_is_our_bug) {
    ClientDialogue dialogue{{"mx.example.com"}};
    EXPECT_DEATH(dialogue.begin(transaction()), "not ready");
    EXPECT_DEATH(dialogue.on_body_end("."), "not asked for");
    EXPECT_DEATH(dialogue.on_reply({220, "hi"}), "before the connection");
    EXPECT_DEATH(dialogue.probe({"", {"b@example.com"}}), "not ready");
    EXPECT_DEATH(dialogue.on_tls_started(true), "not asked for");
    EXPECT_DEATH(dialogue.on_early_octets(), "not asked for");
}

// Postfix is slow from the tenth error of a session on and hangs up at the twentieth.
TEST(ClientDialogue, a_server_that_says_no_too_often_is_left) {
    ClientDialogue dialogue{{"mx.example.com"}};
    dialogue.on_connected();
    dialogue.on_reply({220, "hi"});
    dialogue.on_reply({250, "hi"});
    const auto refuse = [&] {
        dialogue.begin(transaction());
        dialogue.on_reply({550, "no"});
        if (!dialogue.is_ready()) {
            dialogue.on_reply({250, "reset"});
        }
    };
    for (std::size_t i = 1; i < limits::server_errors_max; ++i) {
        refuse();
    }
    EXPECT_FALSE(dialogue.is_spent());
    // A message that is taken makes good for all of them.
    ClientStep step = dialogue.begin(transaction());
    while (wait_of(step) != Wait::data) {
        step = dialogue.on_reply({250, "ok"});
    }
    dialogue.on_reply({354, "go"});
    dialogue.on_body_end(".\r\n");
    dialogue.on_reply({250, "ok"});
    refuse();
    EXPECT_FALSE(dialogue.is_spent());
    for (std::size_t i = 1; i < limits::server_errors_max; ++i) {
        refuse();
    }
    EXPECT_TRUE(dialogue.is_spent());
}

}  // namespace
}  // namespace siding::smtp

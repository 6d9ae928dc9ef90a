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
    const DataSummary summaries[] = {
        {},
        {.is_too_large = true},
        {.is_refused_for_bare_newline = true},
        {.received_fields = 50},
        {.own_received_fields = 2},
        {.header_octets = 1024 * 1024 + 1}};
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

ServerOptions with_everything() {
    ServerOptions options{"mx.example.com"};
    options.offered = Extensions::all();
    options.tls_available = true;
    options.xclient = true;
    return options;
}

ServerDialogue with_recipient(ServerOptions options, std::string_view parameters = "") {
    ServerDialogue dialogue = greeted(std::move(options));
    dialogue.on_line("MAIL FROM:<> " + std::string{parameters});
    dialogue.on_accepted();
    dialogue.on_line("RCPT TO:<b@example.com>");
    dialogue.on_accepted();
    return dialogue;
}

TEST(ServerDialogue, chunks_are_asked_for_as_they_are_announced) {
    ServerDialogue dialogue = with_recipient(with_everything());
    const auto first = expect<action::ReceiveChunk>(dialogue.on_line("BDAT 5"));
    EXPECT_EQ(first.octets, 5U);
    EXPECT_TRUE(first.first && !first.last && !first.discard && !first.binary);
    EXPECT_TRUE(dialogue.is_chunking());
    EXPECT_EQ(dialogue.on_chunk_end({}).output, "250 2.0.0 5 octets\r\n");
    EXPECT_TRUE(dialogue.is_chunking());
    EXPECT_EQ(dialogue.state_name(), "data");
    const auto last = expect<action::ReceiveChunk>(dialogue.on_line("BDAT 0 LAST"));
    EXPECT_TRUE(!last.first && last.last && !last.discard);
    const auto commit = expect<action::Commit>(dialogue.on_chunk_end({}));
    EXPECT_TRUE(commit.envelope.used_chunking);
    EXPECT_FALSE(dialogue.is_chunking());
    EXPECT_EQ(commit.envelope.recipients.size(), 1U);
    dialogue.on_answer({250, {2, 0, 0}, "ok"});

    ServerDialogue binary = with_recipient(with_everything(), "BODY=BINARYMIME");
    EXPECT_TRUE(binary.on_line("DATA").output.starts_with("503 5.5.1"));
    EXPECT_TRUE(expect<action::ReceiveChunk>(binary.on_line("BDAT 1")).binary);
}

// CVE-class: a failed BDAT that leaves half a transaction behind.
TEST(ServerDialogue, every_outcome_of_a_chunk_leaves_no_transaction) {
    struct Case {
        std::string_view line;
        DataSummary summary;
        int code;  // 0: commits
    };
    const Case cases[] = {
        {"BDAT 1 LAST", {}, 0},
        {"BDAT 1 LAST", {.is_too_large = true}, 552},
        {"BDAT 1", {.is_too_large = true}, 552},
        {"BDAT 1", {.is_refused_for_bare_newline = true}, 550},
        {"BDAT 1 LAST", {.header_octets = 1024 * 1024 + 1}, 552},
        {"BDAT 1", {.received_fields = 50}, 554},
        {"BDAT 0", {}, 551},
    };
    for (const Case& c : cases) {
        for (const bool is_second : {false, true}) {
            ServerDialogue dialogue = with_recipient(with_everything());
            if (is_second) {
                dialogue.on_line("BDAT 10");
                dialogue.on_chunk_end({});
            }
            expect<action::ReceiveChunk>(dialogue.on_line(c.line));
            Step step = dialogue.on_chunk_end(c.summary);
            if (c.code == 0) {
                expect<action::Commit>(step);
                step = dialogue.on_answer({250, {2, 0, 0}, "ok"});
            } else {
                EXPECT_TRUE(step.output.starts_with(std::to_string(c.code))) << step.output;
            }
            EXPECT_FALSE(dialogue.is_chunking());
            EXPECT_TRUE(dialogue.on_line("RCPT TO:<b@example.com>").output.starts_with("503 "));
            EXPECT_TRUE(dialogue.on_line("DATA").output.starts_with("503 "));
            const auto next = expect<action::ReceiveChunk>(dialogue.on_line("BDAT 3 LAST"));
            EXPECT_TRUE(next.discard);
            const bool was_last = c.line.ends_with("LAST");
            EXPECT_TRUE(dialogue.on_chunk_end({}).output.starts_with(was_last ? "503 " : "551 "));
            expect<action::CheckMail>(dialogue.on_line("MAIL FROM:<>"));
        }
    }
}

TEST(ServerDialogue, nothing_read_before_the_handshake_survives_it) {
    ServerDialogue eager = greeted(with_everything());
    const Step refused = eager.on_line("STARTTLS", true);
    EXPECT_TRUE(refused.output.starts_with("554 5.5.0")) << refused.output;
    expect<action::Close>(refused);

    ServerDialogue dialogue = with_recipient(with_everything());
    EXPECT_EQ(dialogue.on_line("STARTTLS").output, "220 2.0.0 Ready to start TLS\r\n");
    EXPECT_EQ(dialogue.state_name(), "starttls");
    EXPECT_FALSE(dialogue.is_tls());
    EXPECT_EQ(dialogue.on_tls_started().output, "");
    EXPECT_TRUE(dialogue.is_tls());
    EXPECT_EQ(dialogue.helo(), "");
    EXPECT_TRUE(dialogue.on_line("RCPT TO:<b@example.com>").output.starts_with("503 "));
    EXPECT_TRUE(dialogue.on_line("MAIL FROM:<>").output.starts_with("503 "));
    const std::string ehlo = dialogue.on_line("EHLO client.example").output;
    EXPECT_EQ(ehlo.find("STARTTLS"), std::string::npos);
    EXPECT_NE(ehlo.find("REQUIRETLS"), std::string::npos);
    EXPECT_TRUE(dialogue.on_line("STARTTLS", true).output.starts_with("503 "));
}

TEST(ServerDialogue, xclient_hands_over_what_was_said) {
    ServerDialogue dialogue = greeted(with_everything());
    const auto xclient =
        expect<action::Xclient>(dialogue.on_line("XCLIENT ADDR=192.0.2.1 HELO=h.example PROTO=ESMTP"
        ));
    EXPECT_EQ(xclient.attributes.address, "192.0.2.1");
    EXPECT_TRUE(dialogue.on_xclient_done().output.starts_with("220 "));
    EXPECT_EQ(dialogue.helo(), "h.example");
    expect<action::CheckMail>(dialogue.on_line("MAIL FROM:<>"));

    ServerDialogue refused = greeted(with_everything());
    refused.on_line("XCLIENT ADDR=192.0.2.1");
    expect<action::Close>(refused.on_answer({421, {4, 7, 0}, "too many connections"}));
}

TEST(ServerDialogue, commands_are_counted_but_not_the_chunks_of_a_message) {
    ServerOptions options = with_everything();
    options.commands_max = 10;
    ServerDialogue dialogue = with_recipient(options);  // three so far
    for (int i = 0; i < 100; ++i) {
        expect<action::ReceiveChunk>(dialogue.on_line("BDAT 1024"));
        dialogue.on_chunk_end({});
    }
    for (int i = 0; i < 7; ++i) {
        expect<action::ReceiveChunk>(dialogue.on_line("BDAT 1"));
        dialogue.on_chunk_end({});
    }
    const Step last = dialogue.on_line("NOOP");
    EXPECT_TRUE(last.output.starts_with("421 4.7.0")) << last.output;
    expect<action::Close>(last);
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
    EXPECT_DEATH(dialogue.on_chunk_end({}), "without BDAT");
    EXPECT_DEATH(dialogue.on_tls_started(), "nobody asked");
    EXPECT_DEATH(dialogue.on_xclient_done(), "nobody asked");
    EXPECT_DEATH(dialogue.on_early_talker(), "after the greeting");
    dialogue.on_line("MAIL FROM:<>");
    EXPECT_DEATH(dialogue.on_line("NOOP"), "awaited");
}

}  // namespace
}  // namespace siding::smtp

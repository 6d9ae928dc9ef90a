#include "smtp/verdict.hpp"

#include <gtest/gtest.h>

namespace siding::smtp {
namespace {

using enum VerdictKind;

struct Case {
    Stage stage;
    Reply reply;
    VerdictKind kind;
    bool about_session = false;
};

TEST(Verdict, of_a_reply) {
    const Case cases[] = {
        {Stage::greeting, {554, "go away"}, transient, true},
        {Stage::greeting, {421, "busy"}, transient, true},
        {Stage::hello, {550, {5, 7, 1}, "bad name"}, transient, true},
        {Stage::mail, {550, {5, 7, 1}, "sender refused"}, permanent},
        {Stage::mail, {552, {5, 3, 4}, "too big"}, permanent},
        {Stage::mail, {452, {4, 3, 1}, "no room"}, transient},
        {Stage::mail, {530, {5, 7, 0}, "STARTTLS first"}, transient, true},
        {Stage::mail, {503, {5, 5, 1}, "EHLO first"}, transient, true},
        {Stage::rcpt, {550, {5, 1, 1}, "unknown"}, permanent},
        {Stage::rcpt, {450, {4, 2, 0}, "greylisted"}, transient},
        {Stage::rcpt, {421, "closing"}, transient, true},
        {Stage::rcpt, {552, "too many recipients"}, transient},
        {Stage::rcpt, {552, {5, 5, 3}, "too many recipients"}, transient},
        {Stage::rcpt, {552, {5, 2, 2}, "mailbox full"}, permanent},
        {Stage::rcpt, {354, "what?"}, transient},
        {Stage::data, {554, {5, 5, 1}, "no"}, permanent},
        {Stage::data, {250, "what?"}, transient},
        {Stage::body, {552, {5, 3, 4}, "too big"}, permanent},
        {Stage::body, {250, "already?"}, transient},
        {Stage::end_of_data, {250, "queued"}, delivered},
        {Stage::end_of_data, {451, "later"}, transient},
        {Stage::end_of_data, {421, "later"}, transient, true},
        {Stage::end_of_data, {554, "spam"}, permanent},
        {Stage::end_of_data, {354, "what?"}, in_doubt},
    };
    for (const Case& c : cases) {
        const Verdict verdict = judge_reply(c.stage, c.reply);
        EXPECT_EQ(verdict.kind, c.kind) << to_text(c.stage) << " " << c.reply.text();
        EXPECT_EQ(verdict.is_about_session(), c.about_session) << c.reply.text();
        EXPECT_EQ(verdict.text, c.reply.text());
        EXPECT_EQ(verdict.reply, c.reply);
    }
}

TEST(Verdict, of_a_loss) {
    for (const Stage stage :
         {Stage::connect, Stage::greeting, Stage::mail, Stage::rcpt, Stage::data, Stage::body}) {
        EXPECT_EQ(judge_loss(stage, "x").kind, transient) << to_text(stage);
        EXPECT_TRUE(judge_loss(stage, "x").is_about_session());
    }
    EXPECT_EQ(judge_loss(Stage::end_of_data, "x").kind, in_doubt);
    EXPECT_EQ(judge_loss(Stage::mail, "a\nb").text, "a\\x0ab");
}

TEST(Verdict, of_our_own) {
    EXPECT_EQ(refuse_to_send("552 5.3.4 x").kind, permanent);
    EXPECT_FALSE(refuse_to_send("552 5.3.4 x").is_about_session());
}

TEST(Verdict, back_pressure_is_no_failure) {
    struct Pressure {
        Stage stage;
        Reply reply;
        bool expected;
    };
    const Pressure cases[] = {
        {Stage::mail, {421, "closing"}, true},
        {Stage::greeting, {421, {4, 7, 0}, "too many connections from you"}, true},
        {Stage::greeting, {554, "too many connections"}, true},  // it is about the session
        {Stage::mail, {451, {4, 7, 500}, "Server busy. Please try again later"}, true},
        {Stage::rcpt, {450, {4, 2, 1}, "The user is receiving mail too quickly"}, true},
        {Stage::rcpt, {450, {4, 2, 1}, "receiving mail at a rate that prevents"}, true},
        {Stage::rcpt, {450, {4, 7, 28}, "unusual rate"}, true},
        {Stage::rcpt, {452, {4, 5, 3}, "Too many recipients"}, true},
        {Stage::mail, {452, {4, 3, 1}, "Insufficient system storage"}, true},
        {Stage::mail, {451, "You are being throttled"}, true},
        // Waiting helps here, fewer connections do not.
        {Stage::rcpt, {450, {4, 7, 1}, "Greylisted, try again in 300 s"}, false},
        {Stage::rcpt, {452, {4, 2, 2}, "over quota, too many messages"}, false},
        {Stage::rcpt, {451, {4, 3, 0}, "lookup failure"}, false},
        {Stage::rcpt, {550, {5, 7, 1}, "too many bad ideas"}, false},
        {Stage::end_of_data, {250, "queued, not too many waiting"}, false},
    };
    for (const Pressure& c : cases) {
        EXPECT_EQ(judge_reply(c.stage, c.reply).is_back_pressure(), c.expected) << c.reply.text();
    }
    EXPECT_FALSE(judge_loss(Stage::connect, "too many open files").is_back_pressure());
}

}  // namespace
}  // namespace siding::smtp

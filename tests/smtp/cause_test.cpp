#include "smtp/cause.hpp"

#include <gtest/gtest.h>

#include <set>

namespace siding::smtp {
namespace {

struct Case {
    const char* reply;
    Cause cause;
};

TEST(Cause, ReadsCodesAndWords) {
    const Case cases[] = {
        {"550 5.1.1 <joe@example.com>: Recipient address rejected: User unknown",
         Cause::no_such_mailbox},
        {"550-5.1.1 The email account that you tried to reach does not exist",
         Cause::no_such_mailbox},
        {"550 Unrouteable address", Cause::no_such_mailbox},  // Exim
        {"550 5.4.1 Recipient address rejected: Access denied. AS(201806281)",
         Cause::no_such_mailbox},  // Exchange Online
        {"552 5.2.2 mailbox full", Cause::mailbox_full},
        {"552 go away", Cause::mailbox_full},
        {"550 5.2.1 The account is disabled", Cause::mailbox_disabled},
        {"550 5.2.0 Mailbox inactive", Cause::mailbox_disabled},
        {"552 5.3.4 Message size exceeds fixed limit", Cause::too_large},
        {"552 5.3.4 not sent: 14 octets, the server takes at most 10", Cause::too_large},
        {"552-5.2.3 Your message exceeded Google's message size limits", Cause::too_large},
        {"550 5.6.7 not sent: the server does not offer SMTPUTF8", Cause::smtputf8},
        {"554 5.6.3 not sent: the server does not offer 8BITMIME", Cause::binarymime},
        {"550 5.7.30 not sent: REQUIRETLS, but the connection has no TLS", Cause::requiretls},
        {"554 5.7.1 <a@b>: Relay access denied", Cause::relay_denied},
        {"550 5.7.54 SMTP; Unable to relay recipient in non-accepted domain", Cause::relay_denied},
        {"550 relay not permitted", Cause::relay_denied},
        {"554 5.7.1 Spam message rejected", Cause::spam},
        {"550 5.7.1 Message contains a virus", Cause::spam},
        {"550-5.7.26 Unauthenticated email from example.com is not accepted",
         Cause::authentication},
        {"550 5.7.509 Access denied, sending domain does not pass DMARC verification",
         Cause::authentication},
        {"530 5.7.0 Authentication required", Cause::authentication},
        {"530 5.7.0 Must issue a STARTTLS command first", Cause::tls},
        {"550 5.1.8 Sender address rejected: Domain not found", Cause::sender_refused},
        {"550 5.6.11 SMTPSEND.BareLinefeedsAreIllegal", Cause::bare_newline},
        {"521 5.5.2 mx.example Error: bare <LF> received", Cause::bare_newline},
        {"554 5.7.1 Service unavailable; client blocked", Cause::policy},
        {"550 5.7.606 Access denied, banned sending IP", Cause::policy},
        {"unreadable: stored octets do not match their SHA-256", Cause::unreadable},
        {"554 transaction failed", Cause::other},
        {"", Cause::other},
        {"550 5.1.", Cause::other},
        {"550 99999999999999.1.1 x", Cause::other},
    };
    for (const Case& one : cases) {
        EXPECT_EQ(to_text(cause_of_text(one.reply)), to_text(one.cause)) << one.reply;
    }
}

TEST(Cause, OfAVerdict) {
    const Verdict verdict = judge_reply(Stage::rcpt, Reply{550, {5, 1, 1}, "nobody"});
    EXPECT_EQ(cause_of(verdict), Cause::no_such_mailbox);
    EXPECT_EQ(verdict.cause(), "no_such_mailbox");
}

TEST(Cause, EachHasANameASentenceAndAHint) {
    std::set<std::string_view> sentences;
    for (int number = 0; number <= static_cast<int>(Cause::other); ++number) {
        const auto cause = static_cast<Cause>(number);
        EXPECT_EQ(parse_cause(to_text(cause)), cause);
        EXPECT_TRUE(sentences.insert(describe(cause).sentence).second);
        EXPECT_TRUE(describe(cause).sentence.ends_with("."));
        EXPECT_TRUE(describe(cause).hint.ends_with("."));
    }
    EXPECT_FALSE(parse_cause("no_such_cause"));
}

}  // namespace
}  // namespace siding::smtp

// The exchanges: tests/transcripts/outbound/auth_*.smtp.
#include "smtp/sasl.hpp"

#include <gtest/gtest.h>

namespace siding::smtp {
namespace {

using Mechanisms = std::vector<SaslMechanism>;

TEST(Sasl, ReadsWhatIsOffered) {
    Reply ehlo{250, "mx.example"};
    ehlo.lines.emplace_back("auth=LOGIN");
    ehlo.lines.emplace_back("AUTH CRAM-MD5 login Plain PLAIN");
    ehlo.lines.emplace_back("AUTHORITY XOAUTH2");
    EXPECT_EQ(parse_auth_offer(ehlo), (Mechanisms{SaslMechanism::login, SaslMechanism::plain}));
    EXPECT_EQ(parse_auth_offer(Reply{250, "AUTH PLAIN"}), Mechanisms{}) << "a host's name";
}

TEST(Sasl, APasswordIsNoToken) {
    const Credentials any{"user", "secret", std::nullopt};
    using enum SaslMechanism;
    EXPECT_EQ(choose_mechanism(any, {login, plain}), plain);
    EXPECT_EQ(choose_mechanism(any, {xoauth2, login}), login);
    EXPECT_EQ(choose_mechanism(any, {xoauth2}), std::nullopt);
    EXPECT_EQ(choose_mechanism({"user", "token", xoauth2}, {plain, xoauth2}), xoauth2);
    EXPECT_EQ(choose_mechanism({"user", "token", xoauth2}, {plain}), std::nullopt);
}

TEST(Sasl, WhoAsksForMoreGetsNothing) {
    for (const auto mechanism :
         {SaslMechanism::plain, SaslMechanism::login, SaslMechanism::xoauth2}) {
        SaslExchange exchange{mechanism, {"user", "secret", mechanism}};
        exchange.start();
        exchange.on_challenge();
        exchange.on_challenge();
        EXPECT_EQ(exchange.on_challenge(), "*\r\n");
    }
}

}  // namespace
}  // namespace siding::smtp

#include "relay/express.hpp"

#include <gtest/gtest.h>

namespace siding::relay {
namespace {

constexpr std::string_view header =
    "Received: from a\r\n\tby b\r\nX-Priority: 1 (Highest)\r\nSubject: =?utf-8?q?x?=\r\n Invoice "
    "No 7\r\nx-flag:\r\n\r\nX-Body: yes\r\n";

config::Config with(config::ExpressRule rule) {
    config::Config config;
    config.express = {std::move(rule)};
    return config;
}

bool lets(config::ExpressRule rule, const ExpressFacts& facts) {
    return is_express(with(std::move(rule)), facts);
}

TEST(Express, NoRuleLetsNothingThrough) {
    EXPECT_FALSE(is_express(config::Config{}, {"a@b.example", "c@d.example", header, 1}));
}

TEST(Express, EachConditionAlone) {
    const ExpressFacts facts{"Ann@Bank.example", "Joe@example.com", header, 1000};
    EXPECT_TRUE(lets({.sender = "*@bank.example"}, facts));
    EXPECT_FALSE(lets({.sender = "*@shop.example"}, facts));
    EXPECT_FALSE(lets({.sender = "<>"}, facts));
    EXPECT_TRUE(lets({.recipient = "joe@example.com"}, facts));
    EXPECT_FALSE(lets({.recipient = "joe@*.org"}, facts));
    EXPECT_TRUE(lets({.header = "x-priority: 1*"}, facts));
    EXPECT_FALSE(lets({.header = "x-priority: 2*"}, facts));
    EXPECT_TRUE(lets({.max_size_bytes = 1000}, facts));
    EXPECT_FALSE(lets({.max_size_bytes = 999}, facts));
    EXPECT_TRUE(lets({.min_size_bytes = 1000}, facts));
    EXPECT_FALSE(lets({.min_size_bytes = 1001}, facts));
}

TEST(Express, TheNullSenderHasASpellingOfItsOwn) {
    const ExpressFacts bounce{"", "joe@example.com", header, 1};
    EXPECT_TRUE(lets({.sender = "<>"}, bounce));
    EXPECT_FALSE(lets({.sender = "*@bank.example"}, bounce));
}

TEST(Express, AllThatARuleSaysMustHoldAndOneRuleIsEnough) {
    const ExpressFacts facts{"ann@bank.example", "joe@example.com", header, 1000};
    const config::ExpressRule both{.sender = "*@bank.example", .recipient = "sue@*"};
    EXPECT_FALSE(lets(both, facts));
    config::Config config = with(both);
    config.express.push_back({.sender = "*@bank.example", .max_size_bytes = 1000});
    EXPECT_TRUE(is_express(config, facts));
}

TEST(Express, HeaderFieldsAreUnfoldedAndEndWithTheSection) {
    EXPECT_TRUE(has_header(header, "received: from a*by b"));
    EXPECT_TRUE(has_header(header, "subject: *invoice no 7"));
    EXPECT_TRUE(has_header(header, "x-flag: *"));
    EXPECT_FALSE(has_header(header, "x-flag: ?*"));
    EXPECT_FALSE(has_header(header, "x-body: *"));
    EXPECT_FALSE(has_header("", "subject: *"));
    EXPECT_FALSE(has_header("no colon here\r\n", "no colon here: *"));
    EXPECT_TRUE(has_header("Subject: a\nX: b", "x: b"));  // cut off, and bare LF
}

}  // namespace
}  // namespace siding::relay

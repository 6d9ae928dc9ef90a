#include "smtp/address.hpp"

#include <gtest/gtest.h>

namespace siding::smtp {
namespace {

struct Case {
    std::string_view wire;
    std::string_view text;
    std::string_view domain;  // empty: no address to route by
    std::string_view rest = "";
};

TEST(Path, parses) {
    const Case cases[] = {
        {"<a@example.com>", "a@example.com", "example.com"},
        {" <a@example.com>", "a@example.com", "example.com"},
        {"<A.b@EXAMPLE.com>", "A.b@EXAMPLE.com", "example.com"},
        {"<a@example.com.>", "a@example.com.", "example.com"},
        {"<a@example.com> SIZE=1 X", "a@example.com", "example.com", "SIZE=1 X"},
        {"a@example.com", "a@example.com", "example.com"},  // brackets forgotten
        {"a@example.com SIZE=1", "a@example.com", "example.com", "SIZE=1"},
        {"<a..b.@example.com>", "a..b.@example.com", "example.com"},  // in use at mobile carriers
        {"<a%b!c@example.com>", "a%b!c@example.com", "example.com"},
        {"<\"a b\"@example.com>", "\"a b\"@example.com", "example.com"},
        {"<\"a>b\"@example.com> X", "\"a>b\"@example.com", "example.com", "X"},
        {"<\"a@x\\\"\\>\"@example.com>", "\"a@x\\\"\\>\"@example.com", "example.com"},
        {"<@a.example:b@example.com>", "b@example.com", "example.com"},
        {"<@a.example,@b.example:b@example.com>", "b@example.com", "example.com"},
        {"<a@[192.0.2.1]>", "a@[192.0.2.1]", ""},
        {"<a@[IPv6:2001:db8::1]>", "a@[IPv6:2001:db8::1]", ""},
    };
    for (const Case& c : cases) {
        for (const auto parse : {parse_reverse_path, parse_forward_path}) {
            const auto parsed = parse(c.wire);
            ASSERT_TRUE(parsed.has_value()) << c.wire;
            EXPECT_EQ(parsed->path.text, c.text) << c.wire;
            EXPECT_EQ(parsed->rest, c.rest) << c.wire;
            const auto& address = parsed->path.address;
            EXPECT_EQ(address ? address->domain().text() : "", c.domain) << c.wire;
        }
    }
}

TEST(Path, refuses) {
    const std::string cases[] = {
        "",
        "<",
        ">",
        "<a@example.com",
        "a@example.com>",
        "<a>",
        "<@example.com>",
        "<a@>",
        "<a@b@example.com>",
        "<a b@example.com>",
        "<a@exa mple.com>",
        "<a@-example.com>",
        "<a@example..com>",
        "<<a@example.com>>",
        "<(a)@example.com>",
        "<a\\@b@example.com>",
        "<\"a@example.com>",
        "<\"a\"b@example.com>",
        "<\"a\"@b@example.com>",
        "<@a.example:>",
        "<@a.example,b@example.com>",
        "<@a.example@b:c@example.com>",
        "<a@[]>",
        "<a@[1.2.3.4>",
        "<a@[1.2 .3.4]>",
        "<a@example.com>SIZE=1",
        std::string{"<a\0@example.com>", 16},
        "<a\r@example.com>",
        "<\"a\n\"@example.com>",
        "<\"a\\\n\"@example.com>",
        "<\"a\\\"@example.com>",
        "<a\x7f@example.com>",
        "<" + std::string(1100, 'a') + "@example.com>",
    };
    for (const std::string& wire : cases) {
        const auto reverse = parse_reverse_path(wire);
        ASSERT_TRUE(reverse.has_error()) << wire;
        EXPECT_EQ(reverse.error().code, 501) << wire;
        EXPECT_EQ(reverse.error().enhanced, (EnhancedCode{5, 1, 7})) << wire;
        const auto forward = parse_forward_path(wire);
        ASSERT_TRUE(forward.has_error()) << wire;
        EXPECT_EQ(forward.error().enhanced, (EnhancedCode{5, 1, 3})) << wire;
    }
}

TEST(Path, null_is_a_sender_and_postmaster_a_recipient) {
    EXPECT_TRUE(parse_reverse_path("<>")->path.is_null());
    EXPECT_TRUE(parse_forward_path("<>").has_error());
    EXPECT_TRUE(parse_forward_path("<postMASTER>")->path.is_postmaster());
    EXPECT_TRUE(parse_reverse_path("<postmaster>").has_error());
}

TEST(Path, other_scripts_are_kept_and_their_domains_compared) {
    const Case cases[] = {
        {"<jörg@example.com>", "jörg@example.com", "example.com"},
        {"<a@exämple.com> X", "a@exämple.com", "xn--exmple-cua.com", "X"},
        {"<a@EXÄMPLE.com>", "a@EXÄMPLE.com", "xn--exmple-cua.com"},
        {"<\"ö @\"@x.example>", "\"ö @\"@x.example", "x.example"},
        {"<用户@例え。jp>", "用户@例え。jp", "xn--r8jz45g.jp"},
    };
    for (const Case& c : cases) {
        const auto parsed = parse_forward_path(c.wire);
        ASSERT_TRUE(parsed.has_value()) << c.wire;
        EXPECT_EQ(parsed->path.text, c.text);
        EXPECT_EQ(parsed->path.address->domain().text(), c.domain) << c.wire;
        EXPECT_EQ(parsed->rest, c.rest);
        EXPECT_TRUE(parsed->path.needs_smtputf8());
    }
    EXPECT_FALSE(parse_forward_path("<a@xn--exmple-cua.com>")->path.needs_smtputf8());
    for (const std::string_view wire :
         {"<j\xf6rg@example.com>", "<a@b\xc3>", "<a\xc2\x9b@example.com>", "<a@☃.example>"}) {
        EXPECT_TRUE(parse_forward_path(wire).has_error()) << wire;
    }
}

}  // namespace
}  // namespace siding::smtp

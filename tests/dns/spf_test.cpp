#include "dns/spf.hpp"

#include <gtest/gtest.h>

namespace siding::dns {
namespace {

TEST(Spf, knows_its_records) {
    EXPECT_TRUE(is_spf("v=spf1"));
    EXPECT_TRUE(is_spf("V=SPF1 -all"));
    EXPECT_FALSE(is_spf("v=spf10 -all"));
    EXPECT_FALSE(is_spf("v=spf"));
    EXPECT_FALSE(is_spf(" v=spf1"));
}

TEST(Spf, gives_back_what_it_read) {
    for (const char* const text : {
             "v=spf1",
             "v=spf1 mx a:mail.example.com/28 a/24//64 mx//48 ptr:example.com -all",
             "v=spf1 +all",
             "v=spf1 ip4:192.0.2.0/24 ip6:2001:db8::/32 ?include:_spf.example.net ~all",
             "v=spf1 exists:%{ir}.%{l1r+-}._spf.%{d} redirect=_spf.%{d2}",
             "v=spf1 a:%{d}/8 exp=why.example.net",
         }) {
        const auto record = parse_spf(text);
        ASSERT_TRUE(record.has_value()) << text << ": " << record.error().message();
        const std::string again = format_spf(*record);
        EXPECT_EQ(parse_spf(again).value(), *record) << again;
    }
    EXPECT_EQ(
        format_spf(parse_spf("V=SPF1  +MX  IP4:192.0.2.1/32 x-y=z -ALL ").value()),
        "v=spf1 mx ip4:192.0.2.1 -all"
    );
}

TEST(Spf, refuses_records_that_are_wrong) {
    for (const char* const term : {
             "include",
             "include:",
             "include:localhost",
             "include:example.123",
             "exists",
             "all:example.com",
             "ip4:192.0.2",
             "ip4:192.0.2.1/33",
             "ip4:192.0.2.1/08",
             "ip4:2001:db8::1",
             "ip6:192.0.2.1",
             "ip6:2001:db8::/129",
             "a:/24",
             "a/",
             "a//129",
             "a/24/64",
             "mx:%{q}.example",
             "mx:%{d0}.example",
             "mx:%d.example",
             "mail.example.com",
             "-",
             "redirect=a.example redirect=b.example",
             "exp=a.example exp=b.example",
             "redirect=",
             "ipv4:192.0.2.1",
         }) {
        EXPECT_TRUE(parse_spf("v=spf1 " + std::string{term}).has_error()) << term;
    }
}

TEST(Spf, an_address_does_not_end_at_a_nul) {
    const std::string record{"v=spf1 ip6:2001:db8::\0x", 23};
    EXPECT_TRUE(parse_spf(record).has_error());
    EXPECT_TRUE(parse_spf(record.substr(0, 22)).has_error());
    EXPECT_FALSE(parse_spf(record.substr(0, 21)).has_error());
}

TEST(Spf, expands_macros) {
    // RFC 7208 §7.4
    const SpfMacros four{"strong-bad@email.example.com", "192.0.2.3", "mx.example.org"};
    const SpfMacros six{"strong-bad@email.example.com", "2001:db8::cb01", "mx.example.org"};
    struct Row {
        const char* text;
        const SpfMacros& macros;
        const char* expected;
    };
    for (const Row& row : {
             Row{"%{s}", four, "strong-bad@email.example.com"},
             Row{"%{o}", four, "email.example.com"},
             Row{"%{d}", four, "email.example.com"},
             Row{"%{d4}", four, "email.example.com"},
             Row{"%{d1}", four, "com"},
             Row{"%{dr}", four, "com.example.email"},
             Row{"%{d2r}", four, "example.email"},
             Row{"%{l}", four, "strong-bad"},
             Row{"%{l-}", four, "strong.bad"},
             Row{"%{lr}", four, "strong-bad"},
             Row{"%{lr-}", four, "bad.strong"},
             Row{"%{l1r-}", four, "strong"},
             Row{"%{ir}.%{v}._spf.%{d2}", four, "3.2.0.192.in-addr._spf.example.com"},
             Row{"%{lr-}.lp.%{ir}.%{v}._spf.%{d2}",
                 four,
                 "bad.strong.lp.3.2.0.192.in-addr._spf.example.com"},
             Row{"%{d2}.trusted-domains.example.net",
                 four,
                 "example.com.trusted-domains.example.net"},
             Row{"%{h}", four, "mx.example.org"},
             Row{"a%%b%_c%-d", four, "a%b c%20d"},
             Row{"%{S}", four, "strong-bad%40email.example.com"},
             Row{"%{ir}.%{v}._spf.%{d2}",
                 six,
                 "1.0.b.c.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2."
                 "ip6._spf.example.com"},
         }) {
        const auto out = expand_spf(row.text, "email.example.com", row.macros);
        ASSERT_TRUE(out.has_value()) << row.text;
        EXPECT_EQ(*out, row.expected) << row.text;
    }
    const std::string label(60, 'a');
    std::string name = "example.com";
    for (int count = 0; count < 4; ++count) {
        name.insert(0, label + ".");
    }
    // Whole labels go until 253 octets are left.
    EXPECT_EQ(name.size(), 255U);
    EXPECT_EQ(expand_spf("x." + name, "d.example", four).value(), name.substr(label.size() + 1));
}

TEST(Spf, compares_networks) {
    EXPECT_TRUE(spf_covers("192.0.2.77", 24, "192.0.2.1"));
    EXPECT_FALSE(spf_covers("192.0.2.77", 25, "192.0.2.129"));
    EXPECT_TRUE(spf_covers("0.0.0.0", 0, "198.51.100.1"));
    EXPECT_TRUE(spf_covers("192.0.2.1", 32, "::ffff:192.0.2.1"));
    EXPECT_TRUE(spf_covers("2001:db8::", 33, "2001:db8:7fff::1"));
    EXPECT_FALSE(spf_covers("2001:db8::", 33, "2001:db8:8000::1"));
    EXPECT_FALSE(spf_covers("::", 0, "192.0.2.1"));  // another family
    EXPECT_FALSE(spf_covers("none", 0, "192.0.2.1"));
}

}  // namespace
}  // namespace siding::dns

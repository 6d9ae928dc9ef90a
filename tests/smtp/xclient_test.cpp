#include "smtp/xclient.hpp"

#include "smtp/xtext.hpp"

#include <gtest/gtest.h>

namespace siding::smtp {
namespace {

TEST(Xclient, all_attributes) {
    const auto parsed = parse_xclient(
        "NAME=spike.example addr=192.0.2.1 PORT=2525  PROTO=esmtp HELO=x+2By LOGIN=joe+40x "
        "DESTADDR=IPV6:2001:DB8:0::25 DESTPORT=25 "
    );
    ASSERT_TRUE(parsed.has_value());
    XclientAttributes expected;
    expected.name = "spike.example";
    expected.address = "192.0.2.1";
    expected.port = 2525;
    expected.esmtp = true;
    expected.helo = "x+y";
    expected.login = "joe@x";
    expected.destination_address = "2001:db8::25";
    expected.destination_port = 25;
    EXPECT_EQ(*parsed, expected);
}

TEST(Xclient, what_the_proxy_does_not_know) {
    const auto parsed = parse_xclient("NAME=[UNAVAILABLE] ADDR=[tempunavail] PORT=[UNAVAILABLE]");
    ASSERT_TRUE(parsed.has_value());
    EXPECT_EQ(parsed->name, "");
    EXPECT_EQ(parsed->address, "");
    EXPECT_EQ(parsed->port, std::nullopt);
    EXPECT_EQ(parsed->helo, std::nullopt);
    EXPECT_EQ(parse_xclient("PROTO=SMTP")->esmtp, false);
    EXPECT_EQ(parse_xclient("NAME=a NAME=b")->name, "b");
    EXPECT_EQ(parse_xclient("ADDR=2001:db8::1")->address, "2001:db8::1");
    EXPECT_EQ(parse_xclient("ADDR=IPV6:::ffff:192.0.2.1")->address, "192.0.2.1");
    EXPECT_EQ(parse_xclient("ADDR=IPV6:::ffff:c000:201")->address, "192.0.2.1");
    EXPECT_EQ(parse_xclient("ADDR=::192.0.2.1")->address, "::192.0.2.1");
}

TEST(Xclient, refusals) {
    for (const std::string_view text : {
             "",
             "  ",
             "NAME",
             "NAME=",
             "=x",
             "FROB=1",
             "ADDR=example.com",
             "ADDR=192.0.2.256",
             "ADDR=192.0.2.1+00",
             "ADDR=IPV6:192.0.2.1",
             "ADDR=[192.0.2.1]",
             "ADDR=fe80::1%eth0",
             "PORT=65536",
             "PORT=-1",
             "PORT=25x",
             "PROTO=HTTP",
             "PROTO=[UNAVAILABLE]",
             "NAME=a+0D+0AReceived:",
             "HELO=a+00",
             "NAME=a+7F",
             "NAME=+FF",
             "NAME=+4",
             "NAME=\xc3\xa9",
             "NAME=a ADDR",
         }) {
        const auto parsed = parse_xclient(text);
        ASSERT_TRUE(parsed.has_error()) << text;
        EXPECT_EQ(parsed.error().code, 501) << text;
    }
}

TEST(Xtext, round_trip_and_refusals) {
    std::string all;
    for (int c = 0; c < 256; ++c) {
        all.push_back(static_cast<char>(c));
    }
    EXPECT_EQ(decode_xtext(encode_xtext(all)), all);
    EXPECT_EQ(encode_xtext("a+b=c d"), "a+2Bb+3Dc+20d");
    EXPECT_EQ(decode_xtext("a+2bb=c"), "a+b=c");
    EXPECT_EQ(decode_xtext(""), "");
    for (const std::string_view text :
         {"+", "+2", "a+", "+G0", "+0g", "a b", "a\t", "\x7f", "\xe9"}) {
        EXPECT_EQ(decode_xtext(text), std::nullopt) << text;
    }
}

TEST(Xclient, TheNameOfTheHelloIsTheClients) {
    const auto name = [](std::optional<std::string> helo) {
        XclientAttributes client;
        client.helo = std::move(helo);
        return name_for_hello(client, "hold.example.net");
    };
    for (const std::string_view good :
         {"mail.sender.example", "[192.0.2.7]", "[IPv6:2001:db8::1]", "WIN-7_PC", "localhost"}) {
        EXPECT_EQ(name(std::string{good}), good);
    }
    const std::string longest(255, 'a');
    EXPECT_EQ(name(longest), longest);
    EXPECT_EQ(name(longest + "a"), "hold.example.net");
    for (const std::string_view bad :
         {"", "two words", "grüße.example", "a\tb", "<x>", "a\r\nMAIL FROM:<>", "user@host"}) {
        EXPECT_EQ(name(std::string{bad}), "hold.example.net") << bad;
    }
    EXPECT_EQ(name(std::nullopt), "hold.example.net");
}

}  // namespace
}  // namespace siding::smtp

#include "smtp/extensions.hpp"

#include "base/bytes.hpp"

#include <gtest/gtest.h>

namespace siding::smtp {
namespace {

Reply ehlo(std::vector<std::string> lines) {
    Reply reply{250, "mx.example.com"};
    reply.lines.insert(reply.lines.end(), lines.begin(), lines.end());
    return reply;
}

TEST(Extensions, round_trip) {
    Extensions offered{
        Extension::pipelining, Extension::eight_bit_mime, Extension::enhanced_status_codes};
    offered.add_size(1000);
    const Reply reply = format_ehlo_reply("mx.example.com", offered);
    EXPECT_EQ(reply, ehlo({"PIPELINING", "SIZE 1000", "ENHANCEDSTATUSCODES", "8BITMIME"}));
    EXPECT_EQ(parse_ehlo_reply(reply), offered);
}

TEST(Extensions, every_one_has_a_keyword_and_is_offered) {
    Extensions all = Extensions::all();
    all.add_size(50);
    all.add_limits(1000, 20);
    const Reply reply = format_ehlo_reply("mx.example.com", all);
    EXPECT_EQ(
        reply,
        ehlo(
            {"PIPELINING",
             "SIZE 50",
             "STARTTLS",
             "ENHANCEDSTATUSCODES",
             "8BITMIME",
             "SMTPUTF8",
             "CHUNKING",
             "BINARYMIME",
             "DSN",
             "REQUIRETLS",
             "LIMITS MAILMAX=20 RCPTMAX=1000"}
        )
    );
    EXPECT_EQ(parse_ehlo_reply(reply), all);
    for (std::size_t i = 0; i < extension_count; ++i) {
        const auto extension = static_cast<Extension>(i);
        EXPECT_EQ(parse_extension(to_lower(keyword_of(extension))), extension);
    }
    EXPECT_EQ(parse_extension("AUTH"), std::nullopt);
    EXPECT_EQ(parse_extension(""), std::nullopt);
}

// RFC 9422 §4: names that are not known and values that are no limit are passed over.
TEST(Extensions, limits) {
    struct Case {
        const char* line;
        std::optional<std::uint64_t> rcpt_max;
        std::optional<std::uint64_t> mail_max;
    };
    const Case cases[] = {
        {"LIMITS", {}, {}},
        {"LIMITS RCPTMAX=100", 100, {}},
        {"limits rcptmax=100  MailMax=7 RCPTDOMAINMAX=1", 100, 7},
        {"LIMITS RCPTMAX MAILMAX= RCPTMAX=x MAILMAX=0 =5", {}, {}},
        {"LIMITS RCPTMAX=99999999999999999999999", {}, {}},
        {"LIMITS RCPTMAX=1000000 MAILMAX=999999", {}, 999999},
    };
    for (const Case& c : cases) {
        const auto read = parse_ehlo_reply(ehlo({c.line}));
        EXPECT_TRUE(read.has(Extension::limits)) << c.line;
        EXPECT_EQ(read.rcpt_max(), c.rcpt_max) << c.line;
        EXPECT_EQ(read.mail_max(), c.mail_max) << c.line;
    }
    Extensions a = parse_ehlo_reply(ehlo({"LIMITS RCPTMAX=10 MAILMAX=3"}));
    const Extensions b = parse_ehlo_reply(ehlo({"LIMITS RCPTMAX=20"}));
    EXPECT_EQ(a.intersect(b).rcpt_max(), 10U);
    EXPECT_EQ(a.intersect(b).mail_max(), 3U);
    EXPECT_EQ(a.intersect(Extensions{}), Extensions{});
    a.remove(Extension::limits);
    EXPECT_EQ(a, Extensions{});
    a.add_limits(1'000'000, {});
    EXPECT_EQ(format_ehlo_reply("x", a).lines.at(1), "LIMITS RCPTMAX=999999");
}

TEST(Extensions, reads_what_servers_write) {
    const auto read =
        parse_ehlo_reply(ehlo({"pipelining", "Size 35882577 ", "AUTH LOGIN", "X", ""}));
    EXPECT_TRUE(read.has(Extension::pipelining));
    EXPECT_EQ(read.size_octets_max(), 35882577U);
    EXPECT_FALSE(read.has(Extension::eight_bit_mime));
    // The first line is the greeting, whatever it says (RFC 5321 §4.1.1.1).
    EXPECT_FALSE(parse_ehlo_reply(Reply{250, "PIPELINING"}).has(Extension::pipelining));
}

TEST(Extensions, size_without_a_limit) {
    for (const char* const line : {"SIZE", "SIZE 0", "SIZE many"}) {
        const auto read = parse_ehlo_reply(ehlo({line}));
        EXPECT_TRUE(read.has(Extension::size)) << line;
        EXPECT_FALSE(read.size_octets_max().has_value()) << line;
    }
}

TEST(Extensions, intersection_has_the_smaller_limit) {
    Extensions a{Extension::pipelining, Extension::starttls};
    Extensions b{Extension::pipelining};
    a.add_size(10);
    b.add_size(0);
    EXPECT_EQ(a.intersect(b).size_octets_max(), 10U);
    EXPECT_FALSE(a.intersect(b).has(Extension::starttls));
    b.add_size(5);
    EXPECT_EQ(a.intersect(b).size_octets_max(), 5U);
    EXPECT_FALSE(a.intersect(Extensions{}).size_octets_max().has_value());
}

}  // namespace
}  // namespace siding::smtp

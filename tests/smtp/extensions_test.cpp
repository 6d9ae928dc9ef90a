#include "smtp/extensions.hpp"

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

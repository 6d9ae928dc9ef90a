#include "smtp/trace_header.hpp"

#include <gtest/gtest.h>

namespace siding::smtp {
namespace {

TraceFacts facts() {
    return TraceFacts{
        "client.example",
        "mail.client.example",
        "192.0.2.1",
        "hold.example.net",
        Protocol::esmtp,
        "1k0z8q4h5m000",
        "b@example.com",
        "Sat, 21 Nov 2026 14:07:30 +0100 (CET)"};
}

TEST(TraceHeader, one_recipient) {
    EXPECT_EQ(
        format_trace_header(facts()),
        "Received: from client.example (mail.client.example [192.0.2.1])\r\n"
        "\tby hold.example.net (Siding) with ESMTP id 1k0z8q4h5m000\r\n"
        "\tfor <b@example.com>; Sat, 21 Nov 2026 14:07:30 +0100 (CET)\r\n"
    );
}

TEST(TraceHeader, several_recipients_are_not_disclosed) {
    TraceFacts several = facts();
    several.recipient.reset();
    several.peer_name.clear();
    several.protocol = Protocol::smtp;
    several.peer_address = "2001:db8::1";
    EXPECT_EQ(
        format_trace_header(several),
        "Received: from client.example (unknown [IPv6:2001:db8::1])\r\n"
        "\tby hold.example.net (Siding) with SMTP id 1k0z8q4h5m000;\r\n"
        "\tSat, 21 Nov 2026 14:07:30 +0100 (CET)\r\n"
    );
}

TEST(TraceHeader, nothing_foreign_can_end_the_comment_or_the_line) {
    TraceFacts hostile = facts();
    hostile.helo = "x)\r\nSubject: forged ([10.0.0.1]) \xc3\xa9";
    hostile.peer_name = "a [10.0.0.1])";
    hostile.peer_address = "::ffff:192.0.2.1";
    hostile.recipient = "\"a\r\nb\"@example.com";
    const std::string header = format_trace_header(hostile);
    EXPECT_TRUE(header.starts_with(
        "Received: from x???Subject:?forged??[10.0.0.1]???? (a?[10.0.0.1]? [192.0.2.1])\r\n\tby "
    )) << header;
    EXPECT_NE(header.find("for <\"a??b\"@example.com>;"), std::string::npos);
    hostile.helo = std::string(5000, 'h');
    EXPECT_LT(format_trace_header(hostile).size(), 1000U);
}

TEST(TraceHeader, address_literal_as_helo) {
    TraceFacts literal = facts();
    literal.helo = "[192.0.2.1]";
    EXPECT_TRUE(format_trace_header(literal).starts_with("Received: from [192.0.2.1] (mail."));
}

}  // namespace
}  // namespace siding::smtp

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

TEST(TraceHeader, tls_and_the_client_certificate) {
    TraceFacts facts_tls = facts();
    facts_tls.protocol = protocol_of({.is_esmtp = true, .is_tls = true});
    facts_tls.tls = TraceTls{"TLSv1.3", "TLS_AES_256_GCM_SHA384", 256};
    EXPECT_EQ(
        format_trace_header(facts_tls),
        "Received: from client.example (mail.client.example [192.0.2.1])\r\n"
        "\t(using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits))\r\n"
        "\t(No client certificate requested)\r\n"
        "\tby hold.example.net (Siding) with ESMTPS id 1k0z8q4h5m000\r\n"
        "\tfor <b@example.com>; Sat, 21 Nov 2026 14:07:30 +0100 (CET)\r\n"
    );
    facts_tls.tls->client_certificate_requested = true;
    EXPECT_NE(
        format_trace_header(facts_tls).find("\t(Client did not present a certificate)\r\n"),
        std::string::npos
    );
    facts_tls.tls->client_name = "a\")\r\nX: (y";
    facts_tls.tls->client_issuer = "Some CA";
    EXPECT_NE(
        format_trace_header(facts_tls).find(
            "\t(Client CN \"a????X: ?y\", Issuer \"Some CA\" (not verified))\r\n"
        ),
        std::string::npos
    );
    facts_tls.tls->client_verified = true;
    EXPECT_NE(format_trace_header(facts_tls).find(" (verified OK))\r\n"), std::string::npos);
}

TEST(TraceHeader, protocol_names) {
    struct Case {
        ProtocolFacts facts;
        std::string_view name;
    };
    const Case cases[] = {
        {{false, false, false}, " with SMTP id "},
        {{false, true, false}, " with SMTP id "},
        {{true, false, false}, " with ESMTP id "},
        {{true, true, false}, " with ESMTPS id "},
        {{true, false, true}, " with UTF8SMTP id "},
        {{true, true, true}, " with UTF8SMTPS id "},
    };
    for (const Case& c : cases) {
        TraceFacts all = facts();
        all.protocol = protocol_of(c.facts);
        EXPECT_NE(format_trace_header(all).find(c.name), std::string::npos) << c.name;
    }
}

TEST(TraceHeader, names_in_other_scripts_as_a_labels) {
    TraceFacts foreign = facts();
    foreign.helo = "müller.example";
    foreign.peer_name = "bad\xff";
    EXPECT_TRUE(format_trace_header(foreign).starts_with(
        "Received: from xn--mller-kva.example (bad? [192.0.2.1])"
    ));
}

TEST(TraceHeader, address_literal_as_helo) {
    TraceFacts literal = facts();
    literal.helo = "[192.0.2.1]";
    EXPECT_TRUE(format_trace_header(literal).starts_with("Received: from [192.0.2.1] (mail."));
}

}  // namespace
}  // namespace siding::smtp

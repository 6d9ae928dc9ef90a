#include "smtp/header_scan.hpp"

#include "base/limits.hpp"
#include "smtp/trace_header.hpp"

#include <gtest/gtest.h>

namespace siding::smtp {
namespace {

struct Case {
    std::string text;
    std::size_t received;
    std::string message_id;
};

TEST(HeaderScan, counts_and_finds_however_it_is_cut) {
    const Case cases[] = {
        {"", 0, ""},
        {"\r\nReceived: x\r\n", 0, ""},
        {"Received: a\r\n\tby b\r\nRECEIVED : c\r\nX-Received: d\r\n\r\nReceived: e\r\n", 2, ""},
        {"Message-ID: <a@b>\r\n\r\n", 0, "<a@b>"},
        {"message-id:<a@b>  \r\n\r\n", 0, "<a@b>"},
        {"Message-Id:\r\n <a@\r\n\tb>\r\nTo: x\r\n folded\r\n\r\n", 0, "<a@b>"},
        {"Message-ID: <a@b>\r\nMessage-ID: <c@d>\r\n\r\n", 0, "<a@b>"},
        {"no header at all\r\nReceived: x\r\n", 0, ""},
        {"X: " + std::string(5000, 'x') + "\r\nReceived: y\r\n\r\n", 1, ""},
        {std::string(5000, 'x') + ": v\r\nReceived: y\r\n\r\n", 1, ""},
        {"Received: a\nMessage-ID: <a@b>\n\nReceived: c\n", 1, "<a@b>"},
    };
    for (const Case& c : cases) {
        for (std::size_t cut = 0; cut <= c.text.size(); ++cut) {
            HeaderScan scan;
            scan.feed(std::string_view{c.text}.substr(0, cut));
            scan.feed(std::string_view{c.text}.substr(cut));
            ASSERT_EQ(scan.received_fields(), c.received) << c.text;
            ASSERT_EQ(scan.message_id(), c.message_id) << c.text;
        }
    }
}

TEST(HeaderScan, counts_the_octets_of_the_header_section) {
    struct Length {
        std::string text;
        std::uint64_t octets;
    };
    const Length cases[] = {
        {"", 0},
        {"A: b\r\n", 6},
        {"A: b\r\n\r\nbody\r\n", 8},
        {"A: b\r\nbody\r\nC: d\r\n", 6},
        {std::string(70000, 'x') + "\r\n" + std::string(70000, 'y') + "\r\n", 0},
        {std::string(70000, 'x') + ": y\r\n\r\n", 70007},
        {"A: " + std::string(70000, 'x') + "\r\n y\r\n\r\n" + std::string(500, 'z'), 70011},
    };
    for (const Length& c : cases) {
        HeaderScan whole;
        whole.feed(c.text);
        EXPECT_EQ(whole.octets(), c.octets);
        HeaderScan pieces;
        for (const char octet : c.text) {
            pieces.feed({&octet, 1});
        }
        EXPECT_EQ(pieces.octets(), c.octets);
    }
}

TEST(HeaderScan, knows_its_own_received_fields) {
    TraceFacts facts;
    facts.helo = "client.example";
    facts.hostname = "mx.example.com";
    facts.peer_address = "192.0.2.1";
    facts.tls = TraceTls{"TLSv1.3", "TLS_AES_256_GCM_SHA384", 256};
    const std::string ours = format_trace_header(facts);
    facts.hostname = "mx.example.com.other.example";
    const std::string theirs = format_trace_header(facts);
    const std::string quoted = "Subject: x\r\n\tby mx.example.com (Siding) with ESMTP\r\n";
    const std::string text = ours + theirs + quoted + ours + "\r\n" + ours;
    for (std::size_t cut = 0; cut <= text.size(); ++cut) {
        HeaderScan scan{"mx.example.com"};
        scan.feed(std::string_view{text}.substr(0, cut));
        scan.feed(std::string_view{text}.substr(cut));
        ASSERT_EQ(scan.own_received_fields(), 2U);
        ASSERT_EQ(scan.received_fields(), 3U);
    }
}

TEST(HeaderScan, message_id_is_bounded) {
    HeaderScan scan;
    scan.feed("Message-ID: <" + std::string(5000, 'x') + ">\r\n");
    scan.feed("\t" + std::string(5000, 'y') + "\r\n\r\n");
    EXPECT_LE(scan.message_id().size(), limits::message_id_octets_max);
}

}  // namespace
}  // namespace siding::smtp

// Four digests and the facts of a message, however its octets are cut.
#include "backfill/digests.hpp"

#include "backfill/header_facts.hpp"
#include "backfill/limits.hpp"
#include "smtp/trace_header.hpp"

#include <gtest/gtest.h>

#include <fmt/format.h>

namespace siding::backfill {
namespace {

using namespace std::literals;

struct Digested {
    MessageDigests digests;
    MessageFacts facts;
    std::uint64_t octets = 0;
};

// In pieces of `piece` octets.
Digested digest(std::string_view message, std::size_t piece = std::string::npos) {
    MessageDigester digester;
    for (std::string_view rest = message; !rest.empty();) {
        const std::string_view part = rest.substr(0, piece);
        digester.update(part);
        rest.remove_prefix(part.size());
    }
    Digested out;
    out.digests = digester.finish();
    out.facts = digester.facts();
    out.octets = digester.octets();
    return out;
}

// The definition, as a person would write it down.
std::string canonical_of(std::string_view message) {
    std::string out;
    for (std::size_t i = 0; i < message.size(); ++i) {
        if (message[i] == '\0') {
            out += '\x80';
        } else if (message[i] == '\n') {
            out += "\r\n";
        } else if (message[i] == '\r') {
            const std::size_t other = message.find_first_not_of('\r', i);
            const bool is_one = other != std::string_view::npos && message[other] == '\n';
            if (is_one) {
                i = other;
            }
            out += "\r\n";
        } else {
            out += message[i];
        }
    }
    return out;
}

std::string trim(std::string text) {
    while (text.ends_with("\r\n")) {
        text.resize(text.size() - 2);
    }
    return text;
}

std::string body_of(const std::string& canonical) {
    const std::string lines = "\r\n" + canonical;  // so that the first line may be the empty one
    const std::size_t at = lines.find("\r\n\r\n");
    return at == std::string::npos ? "" : trim(lines.substr(at + 4));
}

const std::vector<std::string>& samples() {
    static const std::vector<std::string> all{
        "",
        "\r\n",
        "\r\n\r\n\r\n",
        "\n",
        "\r",
        "\r\r",
        "\r\r\n",
        "\0"s,
        "Subject: a\r\n\r\nbody\r\n",
        "Subject: a\n\nbody\n",
        "Subject: a\r\rbody\r",
        "Subject: a\r\n\r\nbody",
        "Subject: a\r\n\r\nbody\r\n\r\n\n\r\r\n",
        "Subject: a\r\n\r\n\r\n\r\nbody\r\n",
        "Subject: a\r\n\r\n",
        "Subject: a\r\n",
        "Subject: a",
        "Subject: a\r\n\r\none\ntwo\r\nthree\r\r\nfour\rfive\r\n",
        "Subject: a\r\n\r\n\0\0b\0\r\n\0"s,
        "Subj\0ect: a\r\n\0\r\n\r\nb"s,
        "Subject: gr\xC3\xBC\xC3\x9F\r\n\r\n\xE2\x80\x94\r\n",
        "\r\nSubject: not a header\r\n\r\nbody\r\n",
        "\n\nbody",
        "a\r\r\r\nb\r\r\rc\n\r\nd\n\r\n\re",
    };
    return all;
}

TEST(DigestsTest, AreWhatTheDefinitionSaysWhereverTheOctetsAreCut) {
    for (const std::string& message : samples()) {
        const std::string canonical = canonical_of(message);
        const Digested whole = digest(message);
        EXPECT_EQ(whole.digests.raw, sha256(message));
        EXPECT_EQ(whole.digests.canonical, sha256(trim(canonical)))
            << testing::PrintToString(message);
        EXPECT_EQ(whole.digests.body, sha256(body_of(canonical)))
            << testing::PrintToString(message);
        for (std::size_t piece = 1; piece < message.size(); ++piece) {
            const Digested cut = digest(message, piece);
            EXPECT_EQ(cut.digests, whole.digests) << testing::PrintToString(message) << piece;
            EXPECT_EQ(cut.facts, whole.facts) << testing::PrintToString(message) << piece;
        }
    }
}

TEST(DigestsTest, AreRightForLongRandomOctets) {
    std::uint32_t seed = 7;
    const auto next = [&seed] { return seed = seed * 1664525 + 1013904223; };
    constexpr std::string_view alphabet = "abcdefghijklm\r\n\n\r\0 \x80:"sv;
    for (int round = 0; round < 50; ++round) {
        std::string message;
        const std::size_t rare = next() >> 16 & 63;
        for (std::size_t i = 0; i < 5000; ++i) {
            const bool is_text = rare != 0 && (next() >> 16) % (rare + 1) != 0;
            message += is_text ? 'x' : alphabet[(next() >> 16) % alphabet.size()];
        }
        const std::string canonical = canonical_of(message);
        const MessageDigests digests = digest(message, 1 + (next() >> 16) % 700).digests;
        EXPECT_EQ(digests.raw, sha256(message));
        EXPECT_EQ(digests.canonical, sha256(trim(canonical))) << round;
        EXPECT_EQ(digests.body, sha256(body_of(canonical))) << round;
    }
}

TEST(DigestsTest, ManyLineEndsAndNulsAtOnce) {
    const std::string ends(20'001, '\r');
    EXPECT_EQ(
        digest("A: b\r\n\r\nx" + ends + "y").digests.canonical,
        sha256(trim(canonical_of("A: b\r\n\r\nx" + ends + "y")))
    );
    const std::string nuls(20'001, '\0');
    EXPECT_EQ(digest("A: b\r\n\r\n" + nuls, 777).digests.body, sha256(std::string(20'001, '\x80')));
    EXPECT_EQ(digest("A: b\r\n\r\nx" + ends).digests.body, sha256("x"));
}

TEST(DigestsTest, WhatServersDoToOneMessage) {
    const std::string sent = "Subject: a\r\n\r\none\0two\nthree\r\n"s;
    const MessageDigests source = digest(sent).digests;
    const MessageDigests line_ends = digest("Subject: a\r\n\r\none\0two\r\nthree\r\n\r\n"s).digests;
    EXPECT_NE(line_ends.raw, source.raw);
    EXPECT_EQ(line_ends.canonical, source.canonical);
    const MessageDigests nul = digest("Subject: a\r\n\r\none\x80two\r\nthree\r\n"s).digests;
    EXPECT_EQ(nul.canonical, source.canonical);

    const MessageDigests header =
        digest("X-Server: new\r\nSUBJECT : \t a \r\nStatus: RO\r\n\r\none\0two\nthree\r\n"s)
            .digests;
    EXPECT_NE(header.canonical, source.canonical);
    EXPECT_EQ(header.header, source.header);
    EXPECT_EQ(header.body, source.body);
}

TEST(DigestsTest, TheHeaderDigestIsOfSixFields) {
    const Digest header = digest(
                              "Message-ID: <1@x>\r\nDate: now\r\nFrom: a\r\nTo: b,\r\n c\r\n"
                              "Cc: d\r\nSubject: e  f\r\n\r\n"
    )
                              .digests.header;
    EXPECT_EQ(
        header, sha256("message-id: <1@x>\ndate: now\nfrom: a\nto: b, c\ncc: d\nsubject: e f\n")
    );
    // Their order and their folding say nothing, nor does what stands between them.
    EXPECT_EQ(
        digest("Subject: e\r\n\tf\r\nReceived: x\r\nCc: d\r\nno field\r\n y\r\nTo:b, c\r\n"
               "From: a\r\nDate: now\r\nMessage-Id:\r\n <1@x>\r\n\r\nbody")
            .digests.header,
        header
    );
    EXPECT_NE(
        digest("Message-ID: <1@x>\r\nDate: now\r\nFrom: a\r\nTo: b, c\r\nCc: d\r\n"
               "Subject: e  g\r\n\r\n")
            .digests.header,
        header
    );
    // One field's end is not another one's start.
    EXPECT_NE(
        digest("To: a\r\nTo: b\r\n\r\n").digests.header,
        digest("To: a to: b\r\n\r\n").digests.header
    );
}

TEST(DigestsTest, FactsOfTheHeader) {
    const MessageFacts facts =
        digest(
            "Received: from a by b id 1;\r\n\tnow\r\nReceived: from c by d with SMTP id 2; then\r\n"
            "Subject: one\r\n two\r\nSubject: three\r\nFROM: me\r\nDate:\tnow\r\n"
            "Message-ID : <x@y>\r\n\r\nSubject: no\r\n"
        )
            .facts;
    EXPECT_EQ(facts.subject, "one two");
    EXPECT_EQ(facts.from, "me");
    EXPECT_EQ(facts.date, "now");
    EXPECT_EQ(facts.message_id, "<x@y>");
    EXPECT_EQ(facts.top_received, "from a by b id 1; now");
    EXPECT_EQ(facts.received_ids_of("B"), std::vector<std::string>{"1"});
    EXPECT_EQ(facts.received_ids_of("d"), std::vector<std::string>{"2"});
    EXPECT_FALSE(facts.siding_id);
}

TEST(DigestsTest, FactsOfTheOctets) {
    struct Row {
        std::string message;
        bool nul, bare_lf, bare_cr, header_8bit, crlf;
        std::size_t longest;
    };
    const std::vector<Row> rows{
        {"", false, false, false, false, false, 0},
        {"A: b\r\n\r\nlonger\r\n", false, false, false, false, true, 6},
        {"A: b\r\n\r\nlonger", false, false, false, false, false, 6},
        {"A: \xFF\r\n\r\n", false, false, false, true, true, 4},
        {"A: b\r\n\r\n\xFF", false, false, false, false, false, 4},
        {"A: b\n\r\n", false, true, false, false, true, 4},
        {"A: b\r\n\r\na\rb\r\n", false, false, true, false, true, 4},
        {"A: b\r\n\r\nab\r\r\n", false, false, true, false, true, 4},
        {"A: b\r\n\r\nab\r", false, false, true, false, false, 4},
        {"A: b\r\n\r\n\0\0\0\0\0\r\n"s, true, false, false, false, true, 5},
    };
    for (const Row& row : rows) {
        for (const std::size_t piece : {std::size_t{1}, std::size_t{2}, std::size_t{1000}}) {
            const Digested out = digest(row.message, piece);
            SCOPED_TRACE(testing::PrintToString(row.message));
            EXPECT_EQ(out.facts.has_nul, row.nul);
            EXPECT_EQ(out.facts.has_bare_lf, row.bare_lf);
            EXPECT_EQ(out.facts.has_bare_cr, row.bare_cr);
            EXPECT_EQ(out.facts.has_8bit_header, row.header_8bit);
            EXPECT_EQ(out.facts.ends_with_crlf, row.crlf);
            EXPECT_EQ(out.facts.longest_line, row.longest);
            EXPECT_EQ(out.octets, row.message.size());
        }
    }
}

smtp::TraceFacts trace_facts() {
    smtp::TraceFacts facts;
    facts.helo = "by";
    facts.peer_name = "id";
    facts.peer_address = "192.0.2.1";
    facts.hostname = "hold.example.net";
    facts.id = "1k7v2m9q4x3zf";
    facts.date = "Sat, 21 Nov 2026 14:07:30 +0100 (CET)";
    return facts;
}

TEST(DigestsTest, SidingsOwnLineIsFoundUnderThoseOfOthers) {
    const std::string others =
        "Return-Path: <a@b>\r\nReceived: from hold by mx.new with LMTP id abc\r\n";
    for (const bool has_recipient : {false, true}) {
        for (const bool has_tls : {false, true}) {
            smtp::TraceFacts trace = trace_facts();
            if (has_recipient) {
                trace.recipient = "by id@x";
            }
            if (has_tls) {
                trace.tls = {"TLSv1.3", "AES", 256, true, "by me id 5 (x)", "issuer", true};
            }
            const std::string ours = smtp::format_trace_header(trace);
            const MessageFacts facts = digest(others + ours + "Subject: x\r\n\r\nbody").facts;
            EXPECT_EQ(facts.siding_id, "1k7v2m9q4x3zf") << ours;
            EXPECT_EQ(
                facts.received_ids_of("hold.example.net"), std::vector<std::string>{"1k7v2m9q4x3zf"}
            );
        }
    }
}

TEST(DigestsTest, OtherReceivedLines) {
    struct Row {
        std::string text;
        ReceivedLine line;
    };
    const std::vector<Row> rows{
        {"", {}},
        {"(", {}},
        {"(by x id y", {}},
        {"(\\", {}},
        {"by", {}},
        {"by x", {"x", ""}},
        {"from x (by y id z (a) ) by mx (Postfix) with ESMTPS id 4F2 for <a@b>; now",
         {"mx", "4F2"}},
        {"from a by b with Microsoft SMTP Server (version=TLS1_2) id 15.20.1; date",
         {"b", "15.20.1"}},
        {"by b (Siding) with SMTP id tooshort; x", {"b", "tooshort"}},
        {"by b (siding) with SMTP id 1k7v2m9q4x3zf; x", {"b", "1k7v2m9q4x3zf"}},
        {"by b (Siding) with SMTP id 1k7v2m9q4x3zf; x", {"b", "1k7v2m9q4x3zf", true}},
        {"from a; by b id c", {}},
    };
    for (const Row& row : rows) {
        EXPECT_EQ(parse_received(row.text), row.line) << row.text;
    }
}

TEST(DigestsTest, OfALongHeaderTheRestCountsAsOctetsOnly) {
    const std::string filler =
        "X: " + std::string(limits::digested_header_octets_max, 'x') + "\r\n";
    const std::string early = "Subject: early\r\n" + filler + "From: late\r\n\r\nbody\r\n";
    const Digested out = digest(early, 4096);
    EXPECT_EQ(out.facts.subject, "early");
    EXPECT_EQ(out.facts.from, "");
    EXPECT_EQ(out.digests.raw, sha256(early));
    EXPECT_EQ(out.digests.body, sha256("body"));

    std::string received;
    for (int i = 0; i < 1000; ++i) {
        received += fmt::format("Received: by x id {}\r\n", i);
    }
    const MessageFacts facts =
        digest(received + "Subject: " + std::string(5000, 's') + "\r\n\r\n").facts;
    EXPECT_EQ(facts.received.size(), limits::received_lines_max);
    EXPECT_EQ(facts.subject.size(), limits::header_fact_octets_max);
}

}  // namespace
}  // namespace siding::backfill

// What a repair makes of a message, and which one is proposed.
#include "backfill/repair.hpp"

#include "backfill/digests.hpp"
#include "backfill/encoded_words.hpp"
#include "backfill/match.hpp"
#include "backfill/repair_wrap.hpp"
#include "base/base64.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace siding::backfill {
namespace {

using namespace std::literals;

OctetProducer in_pieces(const std::string& octets, std::size_t piece) {
    return [&octets, piece](const OctetSink& sink) -> Result<void> {
        for (std::size_t at = 0; at < octets.size(); at += piece) {
            SIDING_TRY(sink(std::string_view{octets}.substr(at, piece)));
        }
        return {};
    };
}

std::string repaired(const std::string& octets, const Repairs& repairs, std::size_t piece = 1000) {
    std::string out;
    const auto done = repair(in_pieces(octets, piece), repairs, [&out](std::string_view part) {
        out += part;
        return Result<void>{};
    });
    EXPECT_TRUE(done);
    return out;
}

MessageDigests digests_of(const std::string& octets, MessageFacts* facts = nullptr) {
    MessageDigester digester;
    digester.update(octets);
    MessageDigests digests = digester.finish();
    if (facts != nullptr) {
        *facts = digester.facts();
    }
    return digests;
}

constexpr Repairs line_ends{true, false, false};
constexpr Repairs nul{false, true, false};
constexpr Repairs both{true, true, false};
constexpr Repairs wrap{false, false, true};

TEST(Repair, LineEndsAndNul) {
    struct Row {
        std::string octets;
        Repairs repairs;
        std::string expected;
    };
    const std::vector<Row> rows{
        {"a: b\r\n\r\nc\r\n", both, "a: b\r\n\r\nc\r\n"},     // nothing to do
        {"a: b\n\nc\n", line_ends, "a: b\r\n\r\nc\r\n"},      // bare LF
        {"a: b\r\rc\r", line_ends, "a: b\r\n\r\nc\r\n"},      // bare CR
        {"a\r\r\nb\r\n", line_ends, "a\r\nb\r\n"},            // one line end, not two
        {"a\r\n\nb\n\r\n", line_ends, "a\r\n\r\nb\r\n\r\n"},  // LF, then CRLF: two
        {"a\r\nb", line_ends, "a\r\nb\r\n"},                  // no end at the end
        {"a\r\nb\r", line_ends, "a\r\nb\r\n"},                // half an end
        {"", line_ends, "\r\n"},                              // no octets at all
        {"a\0b\r\n"s,
         nul,
         "a\x80"
         "b\r\n"},
        {"a\0\nb"s, nul, "a\x80\nb"},                   // nothing else changes
        {"a\0\nb\0"s, both, "a\x80\r\nb\x80\r\n"},      // both
        {"\xe4: \xff\n", line_ends, "\xe4: \xff\r\n"},  // 8-bit stays
    };
    for (const Row& row : rows) {
        for (const std::size_t piece : {1UL, 2UL, 3UL, 1000UL}) {
            EXPECT_EQ(repaired(row.octets, row.repairs, piece), row.expected) << piece;
        }
        EXPECT_TRUE(
            compare(digests_of(row.octets), digests_of(row.expected)) <=
            Likeness::exact_but_line_ends
        ) << row.expected;
        EXPECT_EQ(repaired(row.expected, row.repairs), row.expected);  // once is enough
    }
}

TEST(Repair, MemoryDoesNotGrowWithCarriageReturns) {
    const std::string octets(300'000, '\r');
    EXPECT_EQ(repaired(octets, line_ends).size(), 600'000U);
}

TEST(Repair, WrapsWhatCanStandInMailAsAMessage) {
    const std::string octets =
        "Subject: lunch\r\nFrom: ann@example.com\r\nX-Odd: 1\r\n\r\nat one\r\n";
    const std::string out = repaired(octets, wrap);
    EXPECT_TRUE(
        out.starts_with("From: ann@example.com\r\n") || out.starts_with("Subject: lunch\r\n")
    );
    EXPECT_NE(
        out.find("Content-Type: message/rfc822\r\nContent-Transfer-Encoding: 7bit\r\n"),
        std::string::npos
    );
    EXPECT_NE(out.find("\r\n\r\n" + octets + "\r\n--=_siding_"), std::string::npos);
    EXPECT_EQ(out.find("X-Odd"), out.rfind("X-Odd"));  // only within
    EXPECT_EQ(out, repaired(octets, wrap, 7));         // the same every time
    EXPECT_EQ(digests_of(out).header, digests_of(octets).header);
    const std::string odd = repaired("Subject: x\r\n\r\n\xc3\xa4\r\n", wrap);
    EXPECT_NE(odd.find("Content-Transfer-Encoding: 8bit\r\n"), std::string::npos);
}

TEST(Repair, WrapsWhatCannotAsOctets) {
    const std::vector<std::string> all{
        "Subject: x\r\n\r\na\0b\r\n"s,                          // NUL
        "Subject: x\n\nbody\n",                                 // bare LF
        "Subject: x\r\n\r\na\rb\r\n",                           // bare CR
        "Subject: \xe4\r\n\r\nbody\r\n",                        // 8 bits in the header
        "Subject: x\r\n\r\n" + std::string(999, 'a') + "\r\n",  // a long line
        "",                                                     // nothing
        "Subject: x\r\n\r\n" + std::string(200'000, '\0'),
    };
    for (const std::string& octets : all) {
        const std::string out = repaired(octets, wrap);
        MessageFacts facts;
        digests_of(out, &facts);
        EXPECT_FALSE(facts.has_nul || facts.has_bare_lf || facts.has_bare_cr);
        EXPECT_FALSE(facts.has_8bit_header);
        EXPECT_TRUE(facts.ends_with_crlf);
        EXPECT_LE(facts.longest_line, 78U);
        const std::string mark = "filename=original.eml\r\n\r\n";
        const std::size_t begin = out.find(mark) + mark.size();
        std::string encoded = out.substr(begin, out.rfind("--=_siding_") - begin);
        EXPECT_TRUE(encoded.empty() || encoded.find("--=_", 0) == std::string::npos);
        std::erase_if(encoded, [](char octet) { return octet == '\r' || octet == '\n'; });
        const std::size_t end = encoded.find("--");
        EXPECT_EQ(from_base64(encoded.substr(0, end)).value(), octets);
        EXPECT_EQ(out, repaired(octets, wrap, 13));
    }
}

TEST(Repair, OuterFieldsAreForEveryServer) {
    struct Row {
        std::string header;
        std::string expected;
    };
    const std::vector<Row> rows{
        {"", ""},
        {"Received: x\r\nsubject:a\r\n\tb\r\nSubject: second\r\n", "Subject: a b\r\n"},
        {"Subject: a\nFrom : b@c\n", "Subject: a\r\nFrom: b@c\r\n"},
        {"no colon\r\nDate: today\0\x01\r\n"s, "Date: today\r\n"},
        {"Subject: gr\xc3\xbc\xc3\x9f e\xc3\xa4 x\r\n",
         "Subject: =?utf-8?Q?gr=C3=BC=C3=9F_e=C3=A4?= x\r\n"},
        {"Subject: \xe4\xff\r\n", "Subject: =?unknown-8bit?Q?=E4=FF?=\r\n"},
        {"From: \"M\xc3\xbcller, J\" <a@b>\r\n", "From: =?utf-8?Q?M=C3=BCller=2C_J?= <a@b>\r\n"},
        {"To: \"Meyer, J\" <a@b>, \"c d\"@e\r\n", "To: \"Meyer, J\" <a@b>, \"c d\"@e\r\n"},
        {"To: \"open <a@b>\r\n", "To: \"open <a@b>\r\n"},
    };
    for (const Row& row : rows) {
        EXPECT_EQ(outer_fields(row.header), row.expected) << row.header;
    }
}

TEST(Repair, LongFieldsAreFolded) {
    const std::string field =
        format_field("Subject", std::string(500, 'x') + " y", FieldKind::text);
    EXPECT_TRUE(field.ends_with("\r\n y\r\n"));
    std::string umlauts;
    for (int at = 0; at < 200; ++at) {
        umlauts += "\xc3\xa4";
    }
    const std::string odd = format_field("Subject", umlauts, FieldKind::text);
    MessageFacts facts;
    digests_of(odd + "\r\n", &facts);
    EXPECT_LE(facts.longest_line, 78U);
    EXPECT_EQ(odd.find("=C3?="), std::string::npos) << "a character cut in two";
}

TEST(Repair, TextOfRepairs) {
    for (const char* text :
         {"", "line-ends", "nul", "wrap", "line-ends,nul", "line-ends,nul,wrap"}) {
        const auto repairs = parse_repairs(text);
        ASSERT_TRUE(repairs) << text;
        EXPECT_EQ(format_repairs(*repairs), text);
    }
    EXPECT_FALSE(parse_repairs("crlf"));
    EXPECT_FALSE(parse_repairs("auto"));
    EXPECT_FALSE(parse_repairs("nul;wrap"));
    EXPECT_TRUE(parse_retry_repair("auto").value().automatic);
    EXPECT_EQ(parse_retry_repair("nul").value(), (RetryRepair{false, nul}));
    EXPECT_EQ(repair_words(both), "line ends, NUL");
}

TEST(Repair, WhatMayHelp) {
    struct Row {
        Trouble trouble;
        std::string octets;
        Repairs applied;
        Repairs expected;
    };
    const std::vector<Row> rows{
        {Trouble::bad_message, "a: b\n\nc\n", {}, line_ends},
        {Trouble::bad_message, "a: b\r\n\r\nc", {}, line_ends},
        {Trouble::bad_message, "a: b\r\n\r\n\0\r\n"s, {}, nul},
        {Trouble::bad_message, "a: b\n\0\r\n"s, {}, both},
        {Trouble::bad_message, "a: b\n\0\r\n"s, nul, both},
        {Trouble::bad_message, "a: b\n\0\r\n"s, both, wrap},  // they have not helped
        {Trouble::bad_message, "a: b\r\n\r\nc\r\n", {}, wrap},
        {Trouble::other, "a: b\r\n\r\nc\r\n", {}, wrap},
        {Trouble::bad_message, "a: b\r\n\r\nc\r\n", wrap, {}},  // nothing is left
        {Trouble::too_big, "a: b\n\nc\n", {}, {}},              // a repair makes no message smaller
        {Trouble::over_quota, "a: b\n\nc\n", {}, {}},
        {Trouble::bad_message, "", {}, line_ends},
    };
    for (const Row& row : rows) {
        MessageFacts facts;
        digests_of(row.octets, &facts);
        EXPECT_EQ(
            format_repairs(may_help(row.trouble, facts, row.applied)), format_repairs(row.expected)
        ) << name(row.trouble)
          << " " << row.octets;
    }
}

}  // namespace
}  // namespace siding::backfill

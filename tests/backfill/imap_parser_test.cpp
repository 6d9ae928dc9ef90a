// Lines of servers, as they write them: each read whole, in two pieces for every place where it
// can be cut, and octet by octet.
#include "backfill/imap_parser.hpp"

#include "backfill/limits.hpp"
#include "tests/backfill/imap_text.hpp"

#include <gtest/gtest.h>

#include <fmt/format.h>
#include <numeric>

namespace siding::backfill {
namespace {

using namespace std::string_literals;
using Lines = std::vector<std::string>;

struct Row {
    const char* what;
    std::string wire;
    Lines expected;
};

void check(const std::vector<Row>& rows) {
    for (const Row& row : rows) {
        SCOPED_TRACE(row.what);
        EXPECT_EQ(read_all(row.wire), row.expected);
        for (std::size_t cut = 1; cut < row.wire.size(); ++cut) {
            ASSERT_EQ(read_all(row.wire, {cut}), row.expected) << "cut at " << cut;
        }
        std::vector<std::size_t> everywhere(row.wire.size());
        std::iota(everywhere.begin(), everywhere.end(), 1);
        EXPECT_EQ(read_all(row.wire, everywhere), row.expected);
    }
}

TEST(ImapParser, Conditions) {
    check({
        {"greeting", "* OK ready\r\n", {"* OK ready"}},
        {"PREAUTH", "* PREAUTH hello root\r\n", {"* PREAUTH hello root"}},
        {"BYE at once", "* BYE too busy\r\n", {"* BYE too busy"}},
        {"any case", "* ok Ready\r\na1 Ok done\r\n", {"* OK Ready", "a1 OK done"}},
        {"no text", "* OK\r\na1 NO\r\na2 BAD \r\n", {"* OK", "a1 NO", "a2 BAD"}},
        {"trailing blanks", "a1 OK done  \r\n", {"a1 OK done"}},
        {"LF alone", "* OK one\na1 OK two\n", {"* OK one", "a1 OK two"}},
        {"CR twice", "* OK one\r\r\n", {"* OK one"}},
        {"a code", "a1 OK [READ-ONLY] done\r\n", {"a1 OK [READ-ONLY] done"}},
        {"a code in lower case", "a1 NO [tryCreate] x\r\n", {"a1 NO [TRYCREATE] x"}},
        {"no blank in front of the code", "a1 NO[LIMIT] x\r\n", {"a1 NO [LIMIT] x"}},
        {"no blank behind it", "a1 NO [LIMIT]x\r\n", {"a1 NO [LIMIT] x"}},
        {"Gmail: no text", "* OK [HIGHESTMODSEQ 12]\r\n", {"* OK [HIGHESTMODSEQ 12]"}},
        {"no condition", "* [COPYUID 1 2 3] x\r\n", {"* OK [COPYUID 1 2 3] x"}},
        {"an empty code", "a1 OK [] x\r\n", {"a1 OK x"}},
        {"a list in a code",
         "* OK [PERMANENTFLAGS (\\Answered \\*)] Limited\r\n",
         {"* OK [PERMANENTFLAGS (\\Answered \\*)] Limited"}},
        {"a bracket in a keyword",
         "* OK [PERMANENTFLAGS (a]b \\*)] ok\r\n",
         {"* OK [PERMANENTFLAGS (a]b \\*)] ok"}},
        {"brackets in the text", "* NO [ALERT] a [b] c]\r\n", {"* NO [ALERT] a [b] c]"}},
        {"an unknown code",
         "* OK [X-THING a=b \"c d\" (e)] x\r\n",
         {"* OK [X-THING a=b \"c d\" (e)] x"}},
        {"a literal in a code", "* NO [BADURL {3}\r\na]b x] y\r\n", {"* NO [BADURL \"a]b\" x] y"}},
        {"a quote that does not end", "* NO [PARSE \"x] y\r\n", {"* NO [PARSE \"x] y"}},
        {"a list that does not end", "* NO [PARSE (x] y\r\n", {"* NO [PARSE (x)] y"}},
        {"no bracket", "* NO [not a code\r\n", {"* NO [not a code"}},
        {"only a bracket", "* NO [\r\n", {"* NO ["}},
        {"no literal in a text", "* OK use {5}\r\n* OK x\r\n", {"* OK use {5}", "* OK x"}},
        {"the same behind a code", "* OK [A] {5}\r\n* OK x\r\n", {"* OK [A] {5}", "* OK x"}},
        {"NUL in front", "\0\0* OK x\r\n"s, {"* OK x"}},
        {"BYE between",
         "* BYE [UNAVAILABLE] a\r\na1 NO b\r\n",
         {"* BYE [UNAVAILABLE] a", "a1 NO b"}},
        {"untagged BAD", "* BAD what?\r\n", {"* BAD what?"}},
    });
}

TEST(ImapParser, Continuations) {
    check({
        {"with text", "+ idling\r\n", {"+|idling"}},
        {"without", "+\r\n+ \r\n", {"+|", "+|"}},
        {"without a blank", "+OK\r\n", {"+|OK"}},
        {"base64", "+ cmVhZHk=\r\n", {"+|cmVhZHk="}},
        {"no literal", "+ go on {3}\r\n* OK x\r\n", {"+|go on {3}", "* OK x"}},
    });
}

TEST(ImapParser, Data) {
    check({
        {"numbers", "* 172 EXISTS\r\n* 0 RECENT\r\n", {"* 172 EXISTS", "* 0 RECENT"}},
        {"a trailing blank", "* 172 EXISTS \r\n", {"* 172 EXISTS"}},
        {"64 bits", "* 18446744073709551615 EXISTS\r\n", {"* 18446744073709551615 EXISTS"}},
        {"any case", "* 3 expunge\r\n", {"* 3 EXPUNGE"}},
        {"capabilities",
         "* CAPABILITY IMAP4rev1 LITERAL+ AUTH=PLAIN\r\n",
         {"* CAPABILITY IMAP4rev1 LITERAL+ AUTH=PLAIN"}},
        {"list", "* LIST (\\Noselect) \"/\" foo\r\n", {"* LIST (\\Noselect) \"/\" foo"}},
        {"a list of nothing", "* LIST () NIL INBOX\r\n", {"* LIST () NIL INBOX"}},
        {"a name as a literal",
         "* LIST () \"/\" {3}\r\na\"b\r\n* OK x\r\n",
         {"* LIST () \"/\" \"a\"b\"", "* OK x"}},
        {"a name as an empty literal", "* LIST () \"/\" {0}\r\n\r\n", {"* LIST () \"/\" \"\""}},
        {"a literal with line ends",
         "* LIST () \"/\" {4}\r\na\r\nb (x {1}\r\ny)\r\n",
         {"* LIST () \"/\" \"a\\x0d\\x0ab\" (x \"y\")"}},
        {"LITERAL+ of a server, and a blank behind it",
         "* LIST () \"/\" {3+} \r\nabc\r\n",
         {"* LIST () \"/\" \"abc\""}},
        {"a name NIL", "* LIST () NIL NIL\r\n", {"* LIST () NIL NIL"}},
        {"brackets in a name",
         "* LIST () \"/\" [Gmail]/Sent\r\n",
         {"* LIST () \"/\" [Gmail]/Sent"}},
        {"Domino's separator", "* LIST () \"\\\" \"a b\"\r\n", {"* LIST () \"\\\" \"a b\""}},
        {"the right one",
         "* LIST () \"\\\\\" \"a\\\"b\\\\c\"\r\n",
         {"* LIST () \"\\\" \"a\"b\\c\""}},
        {"a quote as separator", "* LIST () \"\\\"\" x\r\n", {"* LIST () \"\"\" x"}},
        {"a backslash that is not escaped",
         "* LIST () \"/\" \"a\\b\"\r\n",
         {"* LIST () \"/\" \"a\\b\""}},
        {"no blanks", "* LIST(\\A)\"/\"\"x\"\r\n", {"* LIST (\\A) \"/\" \"x\""}},
        {"flags",
         "* FLAGS (\\Seen \\$NotJunk a]b [c *)\r\n",
         {"* FLAGS (\\Seen \\$NotJunk a]b [c *)"}},
        {"status",
         "* STATUS \"a b\" (MESSAGES 2 UIDNEXT 5) \r\n",
         {"* STATUS \"a b\" (MESSAGES 2 UIDNEXT 5)"}},
        {"search", "* SEARCH 2 84 882\r\n", {"* SEARCH 2 84 882"}},
        {"search of nothing", "* SEARCH\r\n* SEARCH \r\n", {"* SEARCH", "* SEARCH"}},
        {"search with a modseq", "* SEARCH 2 5 (MODSEQ 917)\r\n", {"* SEARCH 2 5 (MODSEQ 917)"}},
        {"search with an odd word", "* SEARCH 2 5x 7\r\n", {"* SEARCH 2 5x 7"}},
        {"vanished", "* VANISHED (EARLIER) 1:5,7\r\n", {"* VANISHED (EARLIER) 1:5,7"}},
        {"tabs", "* SEARCH\t2\t3\r\n", {"* SEARCH 2 3"}},
        {"a brace in an atom", "* LIST () \"/\" a{x}\r\n", {"* LIST () \"/\" a{x}"}},
        {"8-bit", "* LIST () \"/\" \"\xc3\xa9\"\r\n", {"* LIST () \"/\" \"\xc3\xa9\""}},
    });
}

TEST(ImapParser, Fetch) {
    check({
        {"flags", "* 1 FETCH (FLAGS (\\Seen x) UID 7)\r\n", {"* 1 FETCH (FLAGS (\\Seen x) UID 7)"}},
        {"a body",
         "* 1 FETCH (UID 7 BODY[] {5}\r\na\r\nbc)\r\na1 OK x\r\n",
         {"body BODY[] 5: a\\x0d\\x0abc", "* 1 FETCH (UID 7 BODY[] <5>)", "a1 OK x"}},
        {"items behind the body",
         "* 1 FETCH (BODY[] {2}\r\nab UID 7 FLAGS ())\r\n",
         {"body BODY[] 2: ab", "* 1 FETCH (BODY[] <2> UID 7 FLAGS ())"}},
        {"lower case",
         "* 1 fetch (body[] {1}\r\nx)\r\n",
         {"body BODY[] 1: x", "* 1 FETCH (body[] <1>)"}},
        {"two bodies",
         "* 1 FETCH (RFC822.HEADER {1}\r\nh RFC822.TEXT {1}\r\nt)\r\n",
         {"body RFC822.HEADER 1: h",
          "body RFC822.TEXT 1: t",
          "* 1 FETCH (RFC822.HEADER <1> RFC822.TEXT <1>)"}},
        {"no blank in front of the mark",
         "* 1 FETCH (BODY[]{2}\r\nab)\r\n",
         {"body BODY[] 2: ab", "* 1 FETCH (BODY[] <2>)"}},
        {"no blank behind the body",
         "* 1 FETCH (BODY[] {2}\r\nabUID 3)\r\n",
         {"body BODY[] 2: ab", "* 1 FETCH (BODY[] <2> UID 3)"}},
        {"literal8",
         "* 1 FETCH (BINARY[] ~{3}\r\na\0b)\r\n"s,
         {"body BINARY[] 3: a\\x00b", "* 1 FETCH (BINARY[] <3>)"}},
        {"a part of a body",
         "* 1 FETCH (BODY[]<0> {2}\r\nab)\r\n",
         {"body BODY[]<0> 2: ab", "* 1 FETCH (BODY[]<0> <2>)"}},
        {"header fields",
         "* 1 FETCH (BODY[HEADER.FIELDS (DATE \"X]\")] {2}\r\n\r\n)\r\n",
         {"body BODY[HEADER.FIELDS (DATE \"X]\")] 2: \\x0d\\x0a",
          "* 1 FETCH (BODY[HEADER.FIELDS (DATE \"X]\")] <2>)"}},
        {"an empty body is a string",
         "* 1 FETCH (BODY[] {0}\r\n)\r\n",
         {"* 1 FETCH (BODY[] \"\")"}},
        {"so is a quoted one", "* 1 FETCH (BODY[]\"ab\")\r\n", {"* 1 FETCH (BODY[] \"ab\")"}},
        {"a body that is not given", "* 1 FETCH (BODY[] NIL)\r\n", {"* 1 FETCH (BODY[] NIL)"}},
        {"a literal that is no body",
         "* 1 FETCH (ENVELOPE ({3}\r\nabc NIL) X {1}\r\ny)\r\n",
         {"* 1 FETCH (ENVELOPE (\"abc\" NIL) X \"y\")"}},
        {"a section's name in a deeper list is none",
         "* 1 FETCH (X-GM-LABELS (BODY[] {1}\r\ny))\r\n",
         {"* 1 FETCH (X-GM-LABELS (BODY[] \"y\"))"}},
        {"a structure",
         "* 1 FETCH (BODYSTRUCTURE (NIL \"alternative\" (\"boundary\" \"a\") NIL NIL))\r\n",
         {"* 1 FETCH (BODYSTRUCTURE (NIL \"alternative\" (\"boundary\" \"a\") NIL NIL))"}},
        {"without a list",
         "* 1 FETCH UID 7 BODY[] {1}\r\nx\r\n",
         {"body BODY[] 1: x", "* 1 FETCH UID 7 BODY[] <1>"}},
        {"a body that looks like the end",
         "* 1 FETCH (BODY[] {9}\r\na1 OK x\r\n)\r\na1 OK y\r\n",
         {"body BODY[] 9: a1 OK x\\x0d\\x0a", "* 1 FETCH (BODY[] <9>)", "a1 OK y"}},
    });
}

TEST(ImapParser, WhatIsNoResponse) {
    check({
        {"an odd line", "Server Unavailable. 15\r\n* OK x\r\n", {"* OK x", "skipped 1"}},
        {"empty lines", "\r\n\n* OK x\r\n", {"* OK x", "skipped 2"}},
        {"a tag alone", "a1\r\n* OK x\r\n", {"* OK x", "skipped 1"}},
        {"no condition", "a1 MAYBE x\r\n* OK x\r\n", {"* OK x", "skipped 1"}},
        {"a star alone", "*\r\n* \r\n* OK x\r\n", {"* OK x", "skipped 2"}},
        {"a number alone", "* 5\r\n* OK x\r\n", {"* OK x", "skipped 1"}},
        {"a number too large",
         "* 18446744073709551616 EXISTS\r\n* OK x\r\n",
         {"* OK x", "skipped 1"}},
        {"a list that does not end", "* LIST (\\A \"/\" x\r\n* OK x\r\n", {"* OK x", "skipped 1"}},
        {"one that never began", "* LIST () \"/\" x)\r\n* OK x\r\n", {"* OK x", "skipped 1"}},
        {"a quote that does not end", "* LIST () \"/ x\r\n* OK x\r\n", {"* OK x", "skipped 1"}},
        {"a section that does not end",
         "* 1 FETCH (BODY[ {3}\r\nabc)\r\n* OK x\r\n",
         {"* OK x", "skipped 1"}},
        {"its literals go with it",
         "* 1 FETCH (\"x {6}\r\n* OK y BODY[] {2}\r\nab)\r\n* OK x\r\n",
         {"* OK x", "skipped 1"}},
        {"a body came: so does its response",
         "* 1 FETCH (BODY[] {2}\r\nab UID 7\r\n* OK x\r\n",
         {"body BODY[] 2: ab", "* 1 FETCH (BODY[] <2> UID 7)", "* OK x", "skipped 1"}},
        {"the same when the rest is broken",
         "* 1 FETCH (BODY[] {2}\r\nab \"x {3}\r\nabc)\r\n* OK x\r\n",
         {"body BODY[] 2: ab", "* 1 FETCH (BODY[] <2>)", "* OK x", "skipped 1"}},
    });
}

TEST(ImapParser, TheSizeOfALiteral) {
    for (const char* size : {"", "-1", "+", "1+1", "18446744073709551616", "--"}) {
        SCOPED_TRACE(size);
        const auto lines = read_all(fmt::format("* LIST () \"/\" {{{}}}\r\nabc\r\n", size));
        ASSERT_EQ(lines.size(), 1U);
        EXPECT_TRUE(lines[0].starts_with("error ") && lines[0].find("size") != std::string::npos)
            << lines[0];
    }
}

bool breaks_a_bound(const std::string& wire) {
    ImapParser parser;
    std::string_view octets = wire;
    for (;;) {
        auto event = parser.next(octets);
        if (!event) {
            EXPECT_TRUE(event.error().is(Errc::limit_exceeded)) << event.error().message();
            auto again = parser.next(octets);
            EXPECT_TRUE(!again && again.error().is(Errc::limit_exceeded));
            return true;
        }
        if (*event == ImapParser::Event::need_octets) {
            return false;
        }
    }
}

std::string repeat(std::string_view text, std::size_t times) {
    std::string out;
    for (std::size_t i = 0; i < times; ++i) {
        out += text;
    }
    return out;
}

TEST(ImapParser, Bounds) {
    EXPECT_FALSE(breaks_a_bound("* X " + repeat("(", 64) + repeat(")", 64) + "\r\n"));
    EXPECT_TRUE(breaks_a_bound("* X " + repeat("(", 65) + repeat(")", 65) + "\r\n"));
    EXPECT_TRUE(breaks_a_bound("* X {1048577}\r\n"));
    EXPECT_FALSE(breaks_a_bound("* X {1048576}\r\n"));
    EXPECT_TRUE(breaks_a_bound("* 1 FETCH (BODY[] {4294967297}\r\n"));
    EXPECT_FALSE(breaks_a_bound("* 1 FETCH (BODY[] {4294967296}\r\n"));
    EXPECT_TRUE(breaks_a_bound("* 1 FETCH (\"x {4294967297}\r\n"));
    EXPECT_TRUE(breaks_a_bound("* X " + repeat("a ", limits::imap_values_max + 1) + "\r\n"));
    EXPECT_TRUE(breaks_a_bound(std::string(limits::imap_line_octets_max + 1, 'x')));
    EXPECT_FALSE(breaks_a_bound(std::string(limits::imap_line_octets_max, 'x')));
    const std::string literal = "{1048576}\r\n" + std::string(1024 * 1024, 'x');
    EXPECT_FALSE(breaks_a_bound("* X " + repeat(literal, 16) + "\r\n"));
    EXPECT_TRUE(breaks_a_bound("* X " + repeat(literal, 17) + "\r\n"));
    // A line is as long as its parts together.
    const std::string half(limits::imap_line_octets_max / 2, 'x');
    EXPECT_TRUE(breaks_a_bound("* X " + half + " {1}\r\ny " + half + "\r\n"));
}

TEST(ImapParser, AMillionNumbersAreOneValue) {
    std::string wire = "* SEARCH";
    for (int i = 0; i < 1'500'000; ++i) {
        wire += " 1234567";
    }
    const ImapResponse response = read_one(wire + "\r\n");
    ASSERT_EQ(response.values.size(), 1U);
    EXPECT_EQ(response.values[0].text.size(), wire.size() - 9);
}

TEST(ImapParser, PiecesOfABodyAreNotCopied) {
    const std::string wire = "* 1 FETCH (UID 7 BODY[] {5}\r\nabcde FLAGS ())\r\n";
    std::string_view octets = wire;
    ImapParser parser;
    EXPECT_EQ(*parser.next(octets), ImapParser::Event::body_begin);
    EXPECT_EQ(parser.body_name(), "BODY[]");
    EXPECT_EQ(parser.body_octets(), 5U);
    EXPECT_EQ(show(parser.unfinished()), "* 1 FETCH (UID 7 BODY[])");
    EXPECT_EQ(*parser.next(octets), ImapParser::Event::body_piece);
    EXPECT_EQ(parser.piece().data(), wire.data() + wire.find("abcde"));
    EXPECT_EQ(parser.piece(), "abcde");
    EXPECT_EQ(*parser.next(octets), ImapParser::Event::body_end);
    EXPECT_EQ(*parser.next(octets), ImapParser::Event::response);
    const ImapResponse taken = parser.take_response();
    EXPECT_EQ(show(taken), "* 1 FETCH (UID 7 BODY[] <5> FLAGS ())");
    EXPECT_EQ(*parser.next(octets), ImapParser::Event::need_octets);
}

}  // namespace
}  // namespace siding::backfill

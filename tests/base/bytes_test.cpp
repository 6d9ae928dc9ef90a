#include "base/bytes.hpp"

#include <gtest/gtest.h>

namespace siding {
namespace {

TEST(Escape, ShowsRemoteTextWithoutObeyingIt) {
    struct Row {
        std::string_view input;
        std::string_view expected;
    };
    for (const Row& row : {
             Row{"plain text", "plain text"},
             Row{"a\r\nb", "a\\x0d\\x0ab"},
             Row{"\x1b[31mred", "\\x1b[31mred"},               // terminal colours
             Row{"back\\slash", "back\\x5cslash"},             // else \x0d could be forged
             Row{"gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f"},  // UTF-8 stays readable
             Row{"\xfc", "\\xfc"},                             // Latin-1
             Row{"\xc2\x9b", "\\xc2\\x9b"},                    // C1 control sequence introducer
             Row{"\xe2\x82", "\\xe2\\x82"},                    // cut UTF-8
             Row{"\xed\xa0\x80", "\\xed\\xa0\\x80"},           // surrogate
         }) {
        EXPECT_EQ(escape(row.input), row.expected);
    }
    EXPECT_EQ(escape("abcdef", 3), "abc…");
}

TEST(ToLower, TouchesAsciiOnly) {
    EXPECT_EQ(to_lower("AbC\xc3\x9c"), "abc\xc3\x9c");
}

TEST(EqualsIgnoringCase, Compares) {
    EXPECT_TRUE(equals_ignoring_case("STARTTLS", "starttls"));
    EXPECT_FALSE(equals_ignoring_case("STARTTLS", "starttl"));
}

TEST(ToHex, Works) {
    EXPECT_EQ(to_hex(std::string_view{"\x00\xff", 2}), "00ff");
}

}  // namespace
}  // namespace siding

#include "cli/table.hpp"

#include <gtest/gtest.h>

#include <sstream>

namespace siding::cli {
namespace {

struct Screen {
    std::istringstream in;
    std::ostringstream out;
    std::ostringstream err;
    Terminal terminal{.in = in, .out = out, .err = err};
};

TEST(TableTest, AlignsAndTrims) {
    Screen screen;
    Table table{{{"NAME"}, {"N", Align::right}, {"WHY"}}};
    table.add({"joe", "1,000", "ok"});
    table.add({"müller", "7", ""});
    table.print(screen.terminal);
    EXPECT_EQ(
        screen.out.str(),
        "NAME        N  WHY\n"
        "joe     1,000  ok\n"
        "müller      7\n"
    );
}

TEST(TableTest, ShrinksTheWidestThatMay) {
    Screen screen;
    screen.terminal.width = 24;
    Table table{{{"ID"}, {"LONG", Align::left, 6}, {"OTHER", Align::left, 6}}};
    table.add({"12345", "abcdefghijklmnop", "abcdefgh"});
    table.print(screen.terminal);
    EXPECT_EQ(
        screen.out.str(),
        "ID     LONG     OTHER\n"
        "12345  abcdef…  abcdefgh\n"
    );
}

TEST(TableTest, RemoteTextCannotSpeakToTheTerminal) {
    Screen screen;
    Table table{{{"A"}}};
    table.add({"x\x1b[31mred\r\n\xff"});
    table.print(screen.terminal);
    EXPECT_EQ(screen.out.str(), "A\nx\\x1b[31mred\\x0d\\x0a\\xff\n");
}

TEST(TableTest, WrapsTheLastColumn) {
    Screen screen;
    screen.terminal.width = 20;
    Table table{{{"ID"}, {"WHAT", Align::left, 8, true}}};
    table.add({"1", "550 5.1.1 user unknown here"});
    table.add({"2", "ok"});
    table.print(screen.terminal);
    EXPECT_EQ(
        screen.out.str(),
        "ID  WHAT\n"
        "1   550 5.1.1 user\n"
        "    unknown here\n"
        "2   ok\n"
    );
}

TEST(TableTest, PagesHaveOneTitle) {
    Screen screen;
    Table table{{{"ID"}, {"X"}}};
    table.add({"12345", "a"});
    table.print(screen.terminal);
    table.add({"1", "b"});
    table.print(screen.terminal);
    table.print(screen.terminal);
    EXPECT_EQ(screen.out.str(), "ID     X\n12345  a\n1      b\n");
}

TEST(TableTest, ColoursOnlyWhereWanted) {
    Screen screen;
    EXPECT_EQ(screen.terminal.paint("x", Colour::red), "x");
    screen.terminal.colours = true;
    EXPECT_EQ(screen.terminal.paint("x", Colour::red), "\x1b[31mx\x1b[0m");
    EXPECT_EQ(screen.terminal.paint("x", Colour::none), "x");
}

TEST(TableTest, FitAndWrap) {
    EXPECT_EQ(fit("abc", 3), "abc");
    EXPECT_EQ(fit("abcd", 3), "ab…");
    EXPECT_EQ(fit("äöüß", 3), "äö…");
    EXPECT_EQ(wrap("", 5), std::vector<std::string>{""});
    EXPECT_EQ(wrap("aa bb cc", 5), (std::vector<std::string>{"aa", "bb cc"}));
    EXPECT_EQ(wrap("abcdefgh", 5), (std::vector<std::string>{"abcd", "efgh"}));
    EXPECT_EQ(wrap("ab", 0), (std::vector<std::string>{"a", "b"}));
}

}  // namespace
}  // namespace siding::cli

#include "backfill/flags.hpp"

#include <gtest/gtest.h>

namespace siding::backfill {
namespace {

using Flags = std::vector<std::string>;

TEST(FitFlags, Rows) {
    struct Row {
        Flags source;
        PermanentFlags destination;
        Flags expected;
        Flags notes;  // "flag>becomes"
    };
    const PermanentFlags any;
    const PermanentFlags open{{"\\Answered", "\\Flagged", "\\Deleted", "\\Seen", "\\Draft", "\\*"}};
    const PermanentFlags closed{{"\\Seen", "\\Deleted", "$Label1"}};
    const PermanentFlags forwarded{{"\\Seen", "\\Forwarded"}};
    const Row rows[] = {
        {{"\\Seen", "\\Recent", "\\*"}, any, {"\\Seen"}, {}},
        {{"\\SEEN", "\\answered"}, open, {"\\Seen", "\\Answered"}, {}},
        {{"Keyword", "$MDNSent", "a:b"}, open, {"Keyword", "$MDNSent", "a:b"}, {}},
        {{"\\Seen", "\\Flagged", "$label1", "other"},
         closed,
         {"\\Seen", "$label1"},
         {"\\Flagged>", "other>"}},
        {{"\\Forwarded"}, open, {"$Forwarded"}, {"\\Forwarded>$Forwarded"}},
        {{"\\Forwarded"}, forwarded, {"\\Forwarded"}, {}},
        {{"\\$NotJunk"}, any, {"$NotJunk"}, {"\\$NotJunk>$NotJunk"}},
        {{"\\Own"}, open, {"Own"}, {"\\Own>Own"}},
        {{"a]b", "c d", "\xc3\xa9", "", "e"},
         open,
         {"a_b", "c_d", "e"},
         {"a]b>a_b", "c d>c_d", "\xc3\xa9>", ">"}},
        {{"x\r\n1 LOGOUT"}, open, {"x__1_LOGOUT"}, {"x\r\n1 LOGOUT>x__1_LOGOUT"}},
        {{"$Junk", "\\Junk", "$JUNK"}, open, {"$Junk"}, {"\\Junk>$Junk"}},
    };
    for (const Row& row : rows) {
        const FitFlags fit = fit_flags(row.source, row.destination);
        EXPECT_EQ(fit.flags, row.expected);
        Flags notes;
        for (const FlagNote& note : fit.notes) {
            notes.push_back(note.flag + ">" + note.becomes);
            EXPECT_FALSE(note.why.empty());
        }
        EXPECT_EQ(notes, row.notes);
    }
}

TEST(FitFlags, PermanentFlags) {
    EXPECT_TRUE(PermanentFlags{}.takes("x") && PermanentFlags{}.takes_new_keywords());
    const PermanentFlags none{Flags{}};
    EXPECT_FALSE(none.takes("\\Seen") || none.takes_new_keywords());
    const PermanentFlags open{{"\\*"}};
    EXPECT_TRUE(open.takes("x"));
    EXPECT_FALSE(open.takes("\\Seen"));
}

TEST(FitFlags, Normal) {
    EXPECT_EQ(
        normal_flags(Flags{"b", "\\seen", "\\Recent", "\\Answered", "a"}),
        (Flags{"\\Answered", "\\Seen", "a", "b"})
    );
}

}  // namespace
}  // namespace siding::backfill

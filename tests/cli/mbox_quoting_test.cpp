#include "cli/mbox_quoting.hpp"

#include <gtest/gtest.h>

namespace siding::cli {
namespace {

std::string quote(std::string_view octets, std::size_t piece) {
    MboxQuoting quoting;
    std::string out;
    for (; !octets.empty(); octets.remove_prefix(std::min(piece, octets.size()))) {
        out += quoting.update(octets.substr(0, piece));
    }
    return out + quoting.finish();
}

TEST(MboxQuotingTest, AnySplitGivesTheSame) {
    struct Row {
        std::string octets;
        std::string quoted;
    };
    const std::vector<Row> rows{
        {"", "\n"},
        {"a\r\n", "a\n\n"},
        {"a", "a\n\n"},  // a missing last newline
        {"\r\n", "\n\n"},
        {"From x\r\n", ">From x\n\n"},
        {">From x\r\n", ">>From x\n\n"},
        {">>>From x\r\n", ">>>>From x\n\n"},
        {"From", "From\n\n"},
        {"From\r\n", "From\n\n"},
        {"From ", ">From \n\n"},
        {"Fro\r\nFrom \r\n", "Fro\n>From \n\n"},
        {"FFrom x\r\n", "FFrom x\n\n"},
        {"> From x\r\n", "> From x\n\n"},
        {">F>From x\r\n", ">F>From x\n\n"},
        {"x From y\r\n", "x From y\n\n"},
        {"from x\r\n", "from x\n\n"},
        {"a\rb\r\r\n", "a\rb\r\n\n"},  // a CR of its own stays
        {"a\r", "a\r\n\n"},
        {"\xff\x80z\r\n", "\xff\x80z\n\n"},
    };
    for (const Row& row : rows) {
        for (std::size_t piece = 1; piece <= row.octets.size() + 1; ++piece) {
            EXPECT_EQ(quote(row.octets, piece), row.quoted) << row.octets << " by " << piece;
        }
    }
}

TEST(MboxQuotingTest, FromLine) {
    const std::string time = "Sat Nov 21 14:07:30 2026";
    EXPECT_EQ(mbox_from_line("joe@example.com", time), "From joe@example.com " + time + "\n");
    EXPECT_EQ(mbox_from_line("", time), "From MAILER-DAEMON " + time + "\n");
    EXPECT_EQ(mbox_from_line("\"a b\n\"@x", time), "From \"a_b_\"@x " + time + "\n");
}

}  // namespace
}  // namespace siding::cli

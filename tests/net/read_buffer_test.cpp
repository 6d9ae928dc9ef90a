#include "net/read_buffer.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace siding::net {
namespace {

constexpr std::size_t line_max = 12;
constexpr std::size_t capacity = 16;

std::string show(const ReadBuffer::Line& line) {
    if (line.too_long) {
        return "<too long>";
    }
    return std::string{line.text} + (line.crlf ? "" : "<bare>");
}

void feed(ReadBuffer& buffer, std::string_view input, std::vector<std::string>& lines) {
    while (!input.empty()) {
        const auto room = buffer.room();
        ASSERT_FALSE(room.empty());
        const std::size_t count = std::min(room.size(), input.size());
        std::copy_n(input.data(), count, room.data());
        buffer.commit(count);
        input.remove_prefix(count);
        while (const auto line = buffer.next_line()) {
            lines.push_back(show(*line));
        }
    }
}

struct Row {
    std::string_view input;
    std::vector<std::string> lines;
};

const std::vector<Row> rows{
    {"", {}},
    {"NOOP", {}},
    {"NOOP\r\n", {"NOOP"}},
    {"\r\n\r\n", {"", ""}},
    {"A\nB\r\n", {"A<bare>", "B"}},  // RFC 5321 §2.3.8: LF alone is no ending
    {"A\rB\r\n", {"A\rB"}},          // nor is CR
    {"A\r\r\n", {"A\r"}},
    {"MAIL\r\nRCPT\r\nDATA\r\n", {"MAIL", "RCPT", "DATA"}},
    {"0123456789\r\n", {"0123456789"}},             // exactly the limit, ending included
    {"0123456789A\r\nB\r\n", {"<too long>", "B"}},  // one beyond
    {"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ\r\nB\r\n", {"<too long>", "B"}},
    {"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", {}},  // said at its end only
};

TEST(ReadBuffer, lines_do_not_depend_on_where_reads_are_split) {
    for (const Row& row : rows) {
        for (std::size_t split = 0; split <= row.input.size(); ++split) {
            ReadBuffer buffer{capacity, line_max};
            std::vector<std::string> lines;
            feed(buffer, row.input.substr(0, split), lines);
            feed(buffer, row.input.substr(split), lines);
            EXPECT_EQ(lines, row.lines) << row.input << " split at " << split;
        }
        ReadBuffer buffer{capacity, line_max};
        std::vector<std::string> lines;
        for (const char& octet : row.input) {
            feed(buffer, {&octet, 1}, lines);
        }
        EXPECT_EQ(lines, row.lines) << row.input << " octet by octet";
    }
}

TEST(ReadBuffer, counts_what_it_throws_away) {
    ReadBuffer buffer{capacity, line_max};
    std::vector<std::string> lines;
    feed(buffer, std::string(1000, 'x'), lines);
    EXPECT_TRUE(lines.empty());
    EXPECT_GT(buffer.discarded_octets(), 900U);
    EXPECT_LE(buffer.discarded_octets(), 1000U);
    feed(buffer, "\r\nNOOP\r\n", lines);
    EXPECT_EQ(buffer.discarded_octets(), 1002U);
    EXPECT_EQ(lines, (std::vector<std::string>{"<too long>", "NOOP"}));
}

TEST(ReadBuffer, gives_plain_octets_after_lines) {
    ReadBuffer buffer{32, 32};
    const std::string_view input = "DATA\r\nab\ncd\r\n";
    std::copy(input.begin(), input.end(), buffer.room().begin());
    buffer.commit(input.size());
    EXPECT_EQ(buffer.next_line()->text, "DATA");
    EXPECT_EQ(buffer.data(), "ab\ncd\r\n");
    buffer.consume(3);
    EXPECT_EQ(buffer.data(), "cd\r\n");
    EXPECT_EQ(buffer.next_line()->text, "cd");
    EXPECT_TRUE(buffer.empty());
    EXPECT_EQ(buffer.room().size(), 32U);
}

TEST(ReadBuffer, has_no_room_when_full_of_unread_octets) {
    ReadBuffer buffer{4, 4};
    buffer.commit(buffer.room().size());
    EXPECT_TRUE(buffer.room().empty());
    buffer.consume(1);
    EXPECT_EQ(buffer.room().size(), 1U);
}

TEST(ReadBuffer, gives_its_memory_back_when_empty_only) {
    ReadBuffer buffer{32, 32};
    buffer.release();
    EXPECT_TRUE(buffer.empty());
    EXPECT_FALSE(buffer.next_line().has_value());
    EXPECT_EQ(buffer.data(), "");
    const std::string_view input = "NOOP\r\nQU";
    std::copy(input.begin(), input.end(), buffer.room().begin());
    buffer.commit(input.size());
    EXPECT_EQ(buffer.next_line()->text, "NOOP");
    buffer.release();
    EXPECT_EQ(buffer.data(), "QU");
    buffer.consume(2);
    buffer.release();
    EXPECT_EQ(buffer.room().size(), 32U);
    EXPECT_FALSE(buffer.next_line().has_value());
}

}  // namespace
}  // namespace siding::net

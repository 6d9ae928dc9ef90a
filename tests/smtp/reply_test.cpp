#include "smtp/reply.hpp"

#include "base/limits.hpp"

#include <gtest/gtest.h>

namespace siding::smtp {
namespace {

using Status = ReplyParser::Status;

TEST(Reply, formats_the_enhanced_code_on_every_line) {
    Reply reply{250, {2, 1, 5}, "one"};
    reply.lines.emplace_back("two");
    EXPECT_EQ(format_reply(reply), "250-2.1.5 one\r\n250 2.1.5 two\r\n");
    EXPECT_EQ(format_reply(Reply{354, "go"}), "354 go\r\n");
}

TEST(Reply, text_can_not_forge_a_line) {
    const std::string out = format_reply(Reply{550, {5, 1, 1}, "a\r\n250 ok\x1b[0mé"});
    EXPECT_EQ(out, "550 5.1.1 a??250 ok?[0m??\r\n");
    EXPECT_LE(format_reply(Reply{550, std::string(5000, 'x')}).size(), 512U);
}

TEST(Reply, text_is_one_safe_line) {
    Reply reply{550, {5, 7, 1}, "no\x1b[31m"};
    reply.lines.emplace_back("see https://example.com/");
    EXPECT_EQ(reply.text(), "550 5.7.1 no\\x1b[31m see https://example.com/");
    EXPECT_EQ((Reply{250, ""}.text()), "250");
}

struct ReadCase {
    std::string_view wire;
    Reply reply;
};

Reply lines(Reply reply, std::vector<std::string> all) {
    reply.lines = std::move(all);
    return reply;
}

TEST(ReplyParser, reads_what_servers_send) {
    const ReadCase cases[] = {
        {"250 Ok\r\n", {250, "Ok"}},
        {"250\r\n", {250, ""}},
        {"250 \r\n", {250, ""}},
        {"250 Ok\n", {250, "Ok"}},  // no CR: old servers
        {"550 5.1.1 unknown\r\n", {550, {5, 1, 1}, "unknown"}},
        {"550 5.1.1\r\n", {550, {5, 1, 1}, ""}},
        {"250 5.1.1 x\r\n", {250, "5.1.1 x"}},        // RFC 2034 §4: another class is text
        {"550 5.1.1x y\r\n", {550, "5.1.1x y"}},      // not a code
        {"550 5.1234.1 y\r\n", {550, "5.1234.1 y"}},  // RFC 3463 §2: three digits at most
        {"250 2.1 y\r\n", {250, "2.1 y"}},
        {"250-a\r\n250-b\r\n250 c\r\n", lines({250, ""}, {"a", "b", "c"})},
        {"250-a\r\n250\r\n", lines({250, ""}, {"a", ""})},
        {"550-5.7.1 a\r\n550 5.7.1 b\r\n", lines({550, {5, 7, 1}, ""}, {"a", "b"})},
        {"550-5.7.1 a\r\n550 b\r\n", lines({550, {5, 7, 1}, ""}, {"a", "b"})},
        {"550-5.7.1 a\r\n550 5.7.2 b\r\n", lines({550, {5, 7, 1}, ""}, {"a", "5.7.2 b"})},
    };
    for (const ReadCase& c : cases) {
        for (std::size_t cut = 0; cut < c.wire.size(); ++cut) {
            ReplyParser parser;
            EXPECT_EQ(parser.feed(c.wire.substr(0, cut)).status, Status::incomplete);
            EXPECT_EQ(parser.is_between_replies(), cut == 0);
            const auto fed = parser.feed(std::string{c.wire.substr(cut)} + "250 next");
            EXPECT_EQ(fed.status, Status::complete) << c.wire;
            EXPECT_EQ(fed.consumed, c.wire.size() - cut);
            EXPECT_EQ(parser.take(), c.reply) << c.wire;
            EXPECT_TRUE(parser.is_between_replies());
        }
    }
}

TEST(ReplyParser, refuses_what_is_no_reply) {
    const std::string cases[] = {
        "\r\n",
        "25\r\n",
        "2500 x\r\n",
        "150 x\r\n",
        "650 x\r\n",
        "25a x\r\n",
        "HTTP/1.1 400 Bad Request\r\n",
        "250-a\r\n251 b\r\n",  // which of the two?
        std::string(limits::reply_line_octets_max + 1, '2'),
    };
    for (const std::string& wire : cases) {
        EXPECT_EQ(ReplyParser{}.feed(wire).status, Status::malformed) << wire.substr(0, 40);
    }
    std::string endless;
    for (std::size_t i = 0; i <= limits::reply_lines_max; ++i) {
        endless += "250-x\r\n";
    }
    EXPECT_EQ(ReplyParser{}.feed(endless).status, Status::malformed);
}

TEST(ReplyParser, reads_back_what_format_writes) {
    const Reply reply = lines({451, {4, 3, 0}, ""}, {"a", "", "c d"});
    ReplyParser parser;
    EXPECT_EQ(parser.feed(format_reply(reply)).status, Status::complete);
    EXPECT_EQ(parser.take(), reply);
}

}  // namespace
}  // namespace siding::smtp

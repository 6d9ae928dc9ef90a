#include "smtp/header_scan.hpp"

#include "base/limits.hpp"

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

TEST(HeaderScan, message_id_is_bounded) {
    HeaderScan scan;
    scan.feed("Message-ID: <" + std::string(5000, 'x') + ">\r\n");
    scan.feed("\t" + std::string(5000, 'y') + "\r\n\r\n");
    EXPECT_LE(scan.message_id().size(), limits::message_id_octets_max);
}

}  // namespace
}  // namespace siding::smtp

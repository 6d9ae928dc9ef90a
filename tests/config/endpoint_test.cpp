#include "config/endpoint.hpp"

#include <gtest/gtest.h>

namespace siding::config {
namespace {

TEST(Endpoint, Parses) {
    struct Row {
        const char* text;
        const char* host;
        std::uint16_t port;
        const char* back;
    };
    const Row rows[] = {
        {"mail.example:2525", "mail.example", 2525, "mail.example:2525"},
        {"Mail.Example", "mail.example", 25, "mail.example:25"},
        {"192.0.2.1:0", "192.0.2.1", 0, "192.0.2.1:0"},
        {"[2001:DB8::1]:25", "2001:db8::1", 25, "[2001:db8::1]:25"},
        {"[2001:db8:0:0::1]", "2001:db8::1", 25, "[2001:db8::1]:25"},  // one form, so that
        {"[::]:65535", "::", 65535, "[::]:65535"},                     // duplicates are seen
        {"localhost:25", "localhost", 25, "localhost:25"},
    };
    for (const Row& row : rows) {
        const auto endpoint = parse_endpoint(row.text, std::uint16_t{25});
        ASSERT_TRUE(endpoint) << row.text;
        EXPECT_EQ(endpoint->host, row.host) << row.text;
        EXPECT_EQ(endpoint->port, row.port) << row.text;
        EXPECT_EQ(format_endpoint(*endpoint), row.back);
    }
}

TEST(Endpoint, RefusesWhatIsNone) {
    for (const char* text :
         {"",
          ":25",
          "mail.example:",
          "mail.example:x",
          "mail.example:65536",
          "mail.example:-1",
          "2001:db8::1",
          "[2001:db8::1",
          "[2001:db8::1]25",
          "[mail.example]:25",
          "[192.0.2.1]:25",
          "300.0.2.1:25",
          "192.0.2:25",
          "a b:25",
          "mail..example:25",
          "[::1%eth0]:25"}) {
        EXPECT_FALSE(parse_endpoint(text, std::uint16_t{25})) << text;
    }
    EXPECT_FALSE(parse_endpoint("mail.example"));  // no port and no default
}

TEST(Endpoint, KnowsLoopback) {
    EXPECT_TRUE(is_loopback_address("127.0.0.1"));
    EXPECT_TRUE(is_loopback_address("127.1.2.3"));
    EXPECT_TRUE(is_loopback_address("::1"));
    EXPECT_FALSE(is_loopback_address("127.example.com"));
    EXPECT_FALSE(is_loopback_address("0.0.0.0"));
    EXPECT_FALSE(is_loopback_address("::"));
    EXPECT_FALSE(is_loopback_address("localhost"));  // whatever it resolves to
}

TEST(Endpoint, OfAUrl) {
    EXPECT_EQ(*parse_http_url("http://127.0.0.1:11333"), (Endpoint{"127.0.0.1", 11333}));
    EXPECT_EQ(*parse_http_url("http://[::1]:80/"), (Endpoint{"::1", 80}));
    for (const char* text :
         {"",
          "127.0.0.1:80",
          "https://a.example:443",
          "http://a.example",
          "http://a.example:80/x",
          "http://",
          "http://user@a.example:80"}) {
        EXPECT_FALSE(parse_http_url(text)) << text;
    }
}

}  // namespace
}  // namespace siding::config

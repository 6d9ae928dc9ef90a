#include "net/endpoint.hpp"

#include <gtest/gtest.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <vector>

namespace siding::net {
namespace {

TEST(HostPort, parses_and_formats) {
    struct Row {
        std::string_view text;
        std::string_view host;
        int port;
        bool literal;
    };
    const std::vector<Row> rows{
        {"mail.example:25", "mail.example", 25, false},
        {"192.0.2.1:587", "192.0.2.1", 587, true},
        {"[2001:db8::1]:25", "2001:db8::1", 25, true},
        {"[::]:0", "::", 0, true},
    };
    for (const Row& row : rows) {
        const auto parsed = HostPort::parse(row.text);
        ASSERT_TRUE(parsed.has_value()) << row.text;
        EXPECT_EQ(parsed->host, row.host);
        EXPECT_EQ(parsed->port, row.port);
        EXPECT_EQ(parsed->is_literal(), row.literal);
        EXPECT_EQ(parsed->text(), row.text);
    }
}

TEST(HostPort, takes_the_default_port_where_there_is_one) {
    EXPECT_EQ(HostPort::parse("mail.example", 25)->text(), "mail.example:25");
    EXPECT_EQ(HostPort::parse("[::1]", 25)->text(), "[::1]:25");
    EXPECT_EQ(HostPort::parse("mail.example:26", 25)->text(), "mail.example:26");
}

TEST(HostPort, refuses) {
    for (const std::string_view text :
         {"",
          ":25",
          "mail.example",
          "mail.example:",
          "mail.example:x",
          "mail.example:65536",
          "mail.example:-1",
          "2001:db8::1",
          "[2001:db8::1",
          "[::1]25",
          "[mail.example]:25",
          "[x:y]:25",
          "[]:25",
          "a:25 "}) {
        const auto parsed = HostPort::parse(text);
        ASSERT_TRUE(parsed.has_error()) << text;
        EXPECT_TRUE(parsed.error().is(Errc::invalid_argument));
    }
}

TEST(Endpoint, shows_mapped_addresses_as_ipv4) {
    sockaddr_in6 address{};
    address.sin6_family = AF_INET6;
    address.sin6_port = htons(2525);
    ASSERT_EQ(::inet_pton(AF_INET6, "::ffff:192.0.2.7", &address.sin6_addr), 1);
    const auto* generic = reinterpret_cast<const sockaddr*>(&address);
    const Endpoint endpoint = make_endpoint(generic, sizeof address);
    EXPECT_EQ(endpoint.family, Family::ipv4);
    EXPECT_EQ(endpoint.text(), "192.0.2.7:2525");
}

}  // namespace
}  // namespace siding::net

#include "dns/panel.hpp"

#include <gtest/gtest.h>

#include <set>

namespace siding::dns {
namespace {

TEST(Panel, has_23_operators_by_default) {
    std::set<std::string> names;
    std::set<std::string> addresses;
    std::size_t count = 0;
    for (const PanelOperator& each : default_panel()) {
        names.insert(each.name);
        EXPECT_FALSE(each.addresses.empty()) << each.name;
        for (const net::HostPort& address : each.addresses) {
            ++count;
            EXPECT_TRUE(address.is_literal()) << address.text();
            EXPECT_EQ(address.port, 53);
            addresses.insert(address.text());
        }
    }
    EXPECT_EQ(names.size(), 23U);
    EXPECT_EQ(addresses.size(), count);  // none twice
    EXPECT_EQ(parse_panel(format_panel(default_panel())).value(), default_panel());
}

TEST(Panel, reads_a_line_each) {
    const auto read = parse_panel(
                          "# ours\r\n"
                          "\n"
                          "Example ISP: 192.0.2.1, 2001:db8::1 , 127.0.0.1:5353 # the one in town\n"
                          "  Other:[2001:db8::2]:5353"
    )
                          .value();
    ASSERT_EQ(read.size(), 2U);
    EXPECT_EQ(read[0].name, "Example ISP");
    EXPECT_EQ(read[0].note, "the one in town");
    const std::vector<net::HostPort> addresses{
        {"192.0.2.1", 53}, {"2001:db8::1", 53}, {"127.0.0.1", 5353}};
    EXPECT_EQ(read[0].addresses, addresses);
    EXPECT_EQ(read[1].addresses, (std::vector<net::HostPort>{{"2001:db8::2", 5353}}));
    EXPECT_FALSE(read[1].is_system);
}

TEST(Panel, says_which_line_is_wrong) {
    struct Row {
        std::string text;
        std::string_view why;
    };
    const std::vector<Row> rows{
        {"", "no operator"},
        {"# nothing\n", "no operator"},
        {"\nGoogle 8.8.8.8\n", "line 2: write"},
        {": 192.0.2.1", "line 1: write"},
        {"A: 192.0.2.1\nB: dns.example", "line 2: \"dns.example\" is no address"},
        {"A: 192.0.2.1,,192.0.2.2", "is no address"},
        {"A:", "1 to 16"},
        {"A\x01: 192.0.2.1", "line 1: the name"},
        {std::string(300, 'A') + ": 192.0.2.1", "is too long"},
        {"A: 192.0.2.1:99999", "is no address"},
        {"A: 192.0.2.1\n\nA: 192.0.2.2", "line 3: A is there already"},
    };
    for (const Row& row : rows) {
        const auto read = parse_panel(row.text);
        ASSERT_TRUE(read.has_error()) << row.text;
        EXPECT_NE(read.error().message().find(row.why), std::string::npos)
            << read.error().message();
    }
}

TEST(Panel, knows_this_hosts_own_resolvers) {
    const auto own = parse_resolv_conf(
        "# by hand\nsearch example\nnameserver 192.0.2.1\nnameserver ::1\nnameserver x\n"
    );
    ASSERT_EQ(own.size(), 1U);
    EXPECT_TRUE(own[0].is_system);
    EXPECT_EQ(own[0].addresses, (std::vector<net::HostPort>{{"192.0.2.1", 53}, {"::1", 53}}));
    EXPECT_TRUE(parse_resolv_conf("").empty());
}

}  // namespace
}  // namespace siding::dns

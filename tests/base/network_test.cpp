#include "base/network.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace siding {
namespace {

TEST(Network, ContainsItsAddressesOnly) {
    struct Row {
        const char* network;
        const char* address;
        bool inside;
    };
    const Row rows[] = {
        {"10.0.0.0/8", "10.255.1.2", true},
        {"10.0.0.0/8", "11.0.0.1", false},
        {"192.0.2.128/25", "192.0.2.128", true},
        {"192.0.2.128/25", "192.0.2.127", false},
        {"192.0.2.1", "192.0.2.1", true},
        {"192.0.2.1", "192.0.2.2", false},
        {"0.0.0.0/0", "255.255.255.255", true},
        {"0.0.0.0/0", "2001:db8::1", false},
        {"::/0", "2001:db8::1", true},
        {"::/0", "192.0.2.1", false},
        {"::/0", "::ffff:192.0.2.1", false},  // that is an IPv4 address
        {"2001:db8::/32", "2001:DB8:ffff::1", true},
        {"2001:db8::/32", "2001:db9::1", false},
        {"2001:db8::/33", "2001:db8:8000::1", false},
        {"fe80::/10", "fe80::1%eth0", true},
        {"10.0.0.0/8", "::ffff:10.1.2.3", true},
        {"::ffff:10.0.0.0/104", "10.1.2.3", true},
        {"10.0.0.0/8", "", false},
        {"10.0.0.0/8", "10.0.0", false},
        {"10.0.0.0/8", "mail.example", false},
        {"0.0.0.0/0", "unknown", false},
    };
    for (const Row& row : rows) {
        const auto network = Network::parse(row.network);
        ASSERT_TRUE(network) << row.network;
        EXPECT_EQ(network->contains(row.address), row.inside) << row.network << " " << row.address;
    }
}

TEST(Network, TextIsCanonicalAndComesBack) {
    struct Row {
        const char* text;
        const char* canonical;
    };
    const Row rows[] = {
        {"10.0.0.0/8", "10.0.0.0/8"},
        {"192.0.2.1/32", "192.0.2.1"},
        {"2001:DB8:0::/32", "2001:db8::/32"},
        {"::1/128", "::1"},
        {"::/0", "::/0"},
        {"0.0.0.0/0", "0.0.0.0/0"},
        {"::ffff:192.0.2.0/120", "192.0.2.0/24"},
    };
    for (const Row& row : rows) {
        const auto network = Network::parse(row.text);
        ASSERT_TRUE(network) << row.text;
        EXPECT_EQ(network->text(), row.canonical);
        EXPECT_EQ(*Network::parse(network->text()), *network) << row.text;
    }
    EXPECT_NE(*Network::parse("10.0.0.0/8"), *Network::parse("10.0.0.0/9"));
}

TEST(Network, RefusesWhatIsNone) {
    for (const char* text :
         {"",
          "/",
          "10.0.0.0/",
          "10.0.0.0/33",
          "10.0.0.0/-1",
          "10.0.0.0/8x",
          "10.0.0.0/08888888888",
          "10.0.0/8",
          "2001:db8::/129",
          "fe80::1%eth0/64",
          "mail.example",
          "10.0.0.0 /8",
          "10.0.0.0/255.0.0.0"}) {
        EXPECT_FALSE(Network::parse(text)) << text;
    }
}

TEST(Network, BitsBehindThePrefixAreToldWithTheFix) {
    const auto network = Network::parse("10.1.2.3/8");
    ASSERT_FALSE(network);
    EXPECT_EQ(
        network.error().context, "'10.1.2.3/8' has bits set behind the prefix; write 10.0.0.0/8"
    );
    EXPECT_FALSE(Network::parse("2001:db8::1/64"));
}

TEST(Network, OneOfSeveralIsEnough) {
    const std::vector networks{*Network::parse("10.0.0.0/8"), *Network::parse("2001:db8::/32")};
    EXPECT_TRUE(contains(networks, "2001:db8::5"));
    EXPECT_TRUE(contains(networks, "10.0.0.5"));
    EXPECT_FALSE(contains(networks, "192.0.2.1"));
    EXPECT_FALSE(contains({}, "192.0.2.1"));
}

TEST(Network, AClientIsAnIpv4AddressOrAnIpv6Sixtyfour) {
    EXPECT_EQ(client_network_of("192.0.2.1"), "192.0.2.1");
    EXPECT_EQ(client_network_of("::ffff:192.0.2.1"), "192.0.2.1");
    EXPECT_EQ(client_network_of("2001:db8:0:1:2::3"), "2001:db8:0:1::/64");
    EXPECT_EQ(client_network_of("2001:DB8::ffff"), "2001:db8::/64");
    EXPECT_EQ(client_network_of("fe80::1%eth0"), "fe80::/64");
    EXPECT_EQ(client_network_of("unix:"), "unix:");
    EXPECT_EQ(client_network_of(""), "");
}

}  // namespace
}  // namespace siding

#include "dns/address_changes.hpp"

#include "dns/record.hpp"
#include "tests/dns/served.hpp"

#include <gtest/gtest.h>

namespace siding::dns {
namespace {

using namespace std::chrono_literals;
using test::at;
using Texts = std::vector<std::string>;

class AddressChanges : public testing::Test {
protected:
    void say(
        const std::string& server,
        const std::string& addresses,
        std::chrono::seconds ttl,
        WallTime when,
        RecordType type = RecordType::a
    ) {
        Served answer = test::served(server, addresses, ttl, when);
        answer.name = "mx.example.com";
        answer.type = static_cast<std::uint16_t>(type);
        history.note(answer);
    }

    HostAddresses host(WallTime now) const {
        return addresses_of(history, {"mx.example.com"}, now).at(0);
    }

    History history;
};

TEST_F(AddressChanges, a_host_that_nobody_asked_about_has_none) {
    EXPECT_EQ(host(at(0s)).host, "mx.example.com");
    EXPECT_TRUE(host(at(0s)).addresses.empty());
    EXPECT_FALSE(host(at(0s)).old_until);
}

TEST_F(AddressChanges, without_a_change_all_servers_words_count) {
    say("ns1", "192.0.2.1", 300s, at(0s));
    say("ns2", "192.0.2.2", 300s, at(0s));
    say("ns1", "2001:db8::1", 300s, at(0s), RecordType::aaaa);
    EXPECT_EQ(host(at(1h)).addresses, (Texts{"192.0.2.1", "192.0.2.2", "2001:db8::1"}));
    EXPECT_TRUE(host(at(1h)).gone.empty());
    EXPECT_FALSE(host(at(1h)).changed_at);
}

TEST_F(AddressChanges, the_old_one_lives_for_its_ttl_from_its_end_on) {
    say("ns1", "192.0.2.1", 600s, at(0s));
    say("ns1", "192.0.2.9", 60s, at(5min));
    const HostAddresses found = host(at(6min));
    EXPECT_EQ(found.addresses, Texts{"192.0.2.9"});
    EXPECT_EQ(found.gone, Texts{"192.0.2.1"});
    EXPECT_EQ(found.changed_at, at(5min));
    EXPECT_EQ(found.old_until.value().at, at(15min));
    EXPECT_EQ(found.old_until->why, "ns1 served TTL 600 until Sat 13:05:00");
}

TEST_F(AddressChanges, another_ttl_afterwards_is_no_other_change) {
    say("ns1", "192.0.2.1", 600s, at(0s));
    say("ns1", "192.0.2.9", 60s, at(5min));
    say("ns1", "192.0.2.9", 3600s, at(8min));
    EXPECT_EQ(host(at(9min)).addresses, Texts{"192.0.2.9"});
    EXPECT_EQ(host(at(9min)).changed_at, at(5min));
    EXPECT_EQ(host(at(9min)).old_until.value().at, at(15min));
}

TEST_F(AddressChanges, a_server_that_lags_moves_the_end_along) {
    say("ns1", "192.0.2.1", 60s, at(0s));
    say("ns2", "192.0.2.1", 60s, at(0s));
    say("ns1", "192.0.2.9", 60s, at(5min));
    say("ns2", "192.0.2.1", 60s, at(5min));
    EXPECT_EQ(host(at(5min)).addresses, Texts{"192.0.2.9"});
    EXPECT_EQ(host(at(5min)).old_until.value().at, at(6min));
    say("ns2", "192.0.2.1", 60s, at(30min));
    EXPECT_EQ(host(at(30min)).old_until.value().at, at(31min));
    EXPECT_EQ(host(at(30min)).old_until->why, "ns2 still serves TTL 60");
    say("ns2", "192.0.2.9", 60s, at(40min));
    EXPECT_EQ(host(at(50min)).old_until.value().at, at(41min));
}

TEST_F(AddressChanges, a_family_that_is_taken_away_is_a_change) {
    say("ns1", "192.0.2.1", 60s, at(0s));
    say("ns1", "2001:db8::1", 900s, at(0s), RecordType::aaaa);
    say("ns1", "", 60s, at(1min), RecordType::aaaa);
    EXPECT_EQ(host(at(2min)).addresses, Texts{"192.0.2.1"});
    EXPECT_EQ(host(at(2min)).gone, Texts{"2001:db8::1"});
    EXPECT_EQ(host(at(2min)).old_until.value().at, at(16min));
}

TEST_F(AddressChanges, a_first_address_puts_no_other_out_of_use) {
    say("ns1", "", 60s, at(0s));
    say("ns1", "192.0.2.1", 60s, at(1min));
    EXPECT_EQ(host(at(2min)).addresses, Texts{"192.0.2.1"});
    EXPECT_TRUE(host(at(2min)).gone.empty());
    EXPECT_FALSE(host(at(2min)).old_until);
}

TEST_F(AddressChanges, addresses_that_come_and_go_are_no_move) {
    for (int i = 0; i < 6; ++i) {
        say("ns1", i % 2 == 0 ? "192.0.2.1" : "192.0.2.2", 300s, at(i * 1min));
    }
    const HostAddresses found = host(at(6min));
    EXPECT_TRUE(found.rotates);
    EXPECT_TRUE(found.gone.empty());
    EXPECT_FALSE(found.old_until);
    EXPECT_FALSE(host(at(48h)).rotates) << "once it has been quiet for a day";
}

}  // namespace
}  // namespace siding::dns

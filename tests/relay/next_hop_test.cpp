#include "relay/next_hop.hpp"

#include "net/network_error.hpp"
#include "net/task_group.hpp"
#include "relay/next_hop_lookup.hpp"
#include "relay/own_address.hpp"
#include "tests/net/run_loop.hpp"
#include "tests/support/fake_dns.hpp"

#include <algorithm>
#include <optional>
#include <set>

namespace siding::relay {
namespace {

using namespace std::chrono_literals;
using net::awaitable;
using test::dns_address;
using test::dns_cname;
using test::dns_mx;
using test::dns_tlsa;
using Found = Result<std::vector<Candidate>>;
using Hosts = std::vector<std::string>;

const std::string tlsa_octets = "\x03\x01\x01" + std::string(32, 'k');

awaitable<void> find(NextHops& hops, const config::Server& server, std::optional<Found>& found) {
    found = co_await hops.find(server);
}

Hosts hosts_of(const std::vector<dns::Mx>& records) {
    Hosts hosts;
    for (const dns::Mx& mx : records) {
        hosts.push_back(mx.host);
    }
    return hosts;
}

config::Config make_config(const net::HostPort& dns) {
    config::Config config;
    config.hostname = "hold.example.net";
    config.dns.servers = {{dns.host, dns.port}};
    config.dns.timeout = 250ms;
    config.dns.tries = 1;
    config::Listener listener;
    listener.address = {"192.0.2.25", 25};
    config.listeners.push_back(listener);
    return config;
}

class NextHopTest : public testing::Test {
protected:
    Found find(const config::Server& server) {
        std::optional<Found> found;
        loop_.run(relay::find(hops_, server, found));
        return std::move(*found);
    }

    // "192.0.2.1:25 name" each.
    Hosts texts(const config::Server& server) {
        const Found found = find(server);
        if (!found) {
            return {found.error().message()};
        }
        Hosts all;
        for (const Candidate& candidate : *found) {
            all.push_back(candidate.address.text() + " " + candidate.name);
        }
        return all;
    }

    static config::Server server_at(std::string host, bool is_mx = false, bool is_dane = false) {
        config::Server server;
        server.address = {std::move(host), 25};
        server.mx = is_mx;
        server.tls = is_dane ? config::ServerTls::dane : config::ServerTls::opportunistic;
        return server;
    }

    net::RunLoop loop_;
    test::FakeDns dns_{loop_.executor()};
    config::Live config_{make_config(dns_.address())};
    dns::Resolver resolver_{loop_.executor()};
    NextHops hops_{config_, resolver_};
};

TEST(MxOrder, is_by_preference_and_by_chance_among_equals) {
    const std::vector<dns::Mx> records{{20, "c"}, {10, "a"}, {10, "b"}, {30, ""}};
    std::set<Hosts> seen;
    for (std::uint32_t seed = 0; seed < 50; ++seed) {
        seen.insert(hosts_of(order_mx(records, "hold.example.net", seed)));
    }
    EXPECT_EQ(seen, (std::set<Hosts>{{"a", "b", "c"}, {"b", "a", "c"}}));
}

TEST(MxOrder, ends_before_ourselves) {
    const std::vector<dns::Mx> records{{10, "a"}, {20, "hold.example.net"}, {20, "b"}, {30, "c"}};
    EXPECT_EQ(hosts_of(order_mx(records, "hold.example.net", 1)), Hosts{"a"});
    EXPECT_TRUE(order_mx({{5, "hold.example.net"}, {6, "a"}}, "hold.example.net", 1).empty());
}

TEST(OwnAddress, is_where_we_listen) {
    struct Row {
        std::string listener;
        net::Endpoint target;
        bool is_own;
    };
    const auto v4 = [](const char* text, std::uint16_t port) {
        return net::Endpoint{net::Family::ipv4, text, port};
    };
    const auto v6 = [](const char* text, std::uint16_t port) {
        return net::Endpoint{net::Family::ipv6, text, port};
    };
    const std::vector<Row> rows{
        {"192.0.2.25", v4("192.0.2.25", 25), true},
        {"192.0.2.25", v4("192.0.2.25", 26), false},
        {"192.0.2.25", v4("192.0.2.26", 25), false},
        {"192.0.2.25", v4("0.0.0.0", 25), false},
        {"127.0.0.1", v4("0.0.0.0", 25), true},
        {"0.0.0.0", v4("127.0.0.1", 25), true},
        {"0.0.0.0", v4("127.0.0.9", 25), true},  // all of 127/8 is this host
        {"0.0.0.0", v4("192.0.2.1", 25), false},
        {"0.0.0.0", v6("::1", 25), false},
        {"::", v6("::1", 25), true},
        {"::", v4("127.0.0.1", 25), true},
    };
    for (const Row& row : rows) {
        config::Config config;
        config::Listener listener;
        listener.address = {row.listener, 25};
        config.listeners = {listener};
        EXPECT_EQ(is_own_address(config, row.target), row.is_own)
            << row.listener << " " << row.target.text();
    }
}

TEST_F(NextHopTest, a_literal_address_asks_nobody) {
    auto server = server_at("192.0.2.1");
    server.fallback = {{"2001:db8::1", 26}};
    EXPECT_EQ(texts(server), (Hosts{"192.0.2.1:25 192.0.2.1", "[2001:db8::1]:26 2001:db8::1"}));
    EXPECT_EQ(dns_.questions(), 0U);
}

TEST_F(NextHopTest, a_host_has_all_its_addresses_and_is_remembered) {
    dns_.add(dns_address("new.example", "192.0.2.1"));
    dns_.add(dns_address("new.example", "2001:db8::1"));
    const Hosts expected{"192.0.2.1:25 new.example", "[2001:db8::1]:25 new.example"};
    EXPECT_EQ(texts(server_at("new.example")), expected);
    EXPECT_EQ(texts(server_at("new.example")), expected);
    EXPECT_EQ(dns_.questions(), 2U);

    auto from_v6 = server_at("new.example");
    from_v6.source = {"2001:db8::25"};
    EXPECT_EQ(texts(from_v6), Hosts{"[2001:db8::1]:25 new.example"});
}

TEST_F(NextHopTest, names_of_this_host_need_no_dns) {
    const Found found = find(server_at("localhost"));
    ASSERT_TRUE(found.has_value()) << found.error().message();
    EXPECT_EQ(found->front().name, "localhost");
    EXPECT_EQ(dns_.questions(), 0U);
}

TEST_F(NextHopTest, a_failure_is_remembered_for_a_moment) {
    dns_.set("new.example", 1, {.rcode = 2});
    dns_.set("new.example", 28, {.rcode = 2});
    EXPECT_TRUE(find(server_at("new.example")).error().is(Errc::unavailable));
    const auto asked = dns_.questions();
    EXPECT_TRUE(find(server_at("new.example")).error().is(Errc::unavailable));
    EXPECT_EQ(dns_.questions(), asked);

    auto with_fallback = server_at("new.example");
    with_fallback.fallback = {{"192.0.2.9", 25}};
    EXPECT_EQ(texts(with_fallback), Hosts{"192.0.2.9:25 192.0.2.9"});
}

TEST_F(NextHopTest, mx_hosts_by_preference) {
    dns_.add(dns_mx("example", 20, "second.example"));
    dns_.add(dns_mx("example", 10, "first.example"));
    dns_.add(dns_mx("example", 15, "gone.example"));
    dns_.add(dns_address("first.example", "192.0.2.1"));
    dns_.add(dns_address("second.example", "192.0.2.2"));
    EXPECT_EQ(
        texts(server_at("example", true)),
        (Hosts{"192.0.2.1:25 first.example", "192.0.2.2:25 second.example"})
    );
}

TEST_F(NextHopTest, a_domain_without_mx_is_its_own) {
    dns_.set("example", 15, {});
    dns_.add(dns_address("example", "192.0.2.1"));
    EXPECT_EQ(texts(server_at("example", true)), Hosts{"192.0.2.1:25 example"});
}

TEST_F(NextHopTest, says_why_there_is_no_mx_host) {
    dns_.add(dns_mx("null.example", 0, ""));
    EXPECT_TRUE(find(server_at("null.example", true)).error().is(Errc::not_found));
    EXPECT_TRUE(find(server_at("none.example", true)).error().is(Errc::not_found));
    dns_.set("broken.example", 15, {.rcode = 2});
    EXPECT_TRUE(find(server_at("broken.example", true)).error().is(Errc::unavailable));
}

TEST_F(NextHopTest, mail_does_not_come_back_to_us) {
    dns_.add(dns_mx("example", 10, "first.example"));
    dns_.add(dns_mx("example", 20, "us.example"));
    dns_.add(dns_mx("example", 20, "neighbour.example"));
    dns_.add(dns_mx("example", 30, "last.example"));
    dns_.add(dns_address("first.example", "192.0.2.1"));
    dns_.add(dns_address("us.example", "192.0.2.25"));  // our listener
    dns_.add(dns_address("neighbour.example", "192.0.2.2"));
    dns_.add(dns_address("last.example", "192.0.2.3"));
    EXPECT_EQ(texts(server_at("example", true)), Hosts{"192.0.2.1:25 first.example"});

    dns_.add(dns_mx("loop.example", 10, "hold.example.net"));
    EXPECT_TRUE(find(server_at("loop.example", true)).error().is(Errc::conflict));
    EXPECT_TRUE(find(server_at("192.0.2.25")).error().is(Errc::conflict));
    EXPECT_TRUE(find(server_at("us.example")).error().is(Errc::conflict));
}

TEST_F(NextHopTest, dane_takes_hosts_with_signed_tlsa_records_alone) {
    dns_.set(
        "example",
        15,
        {.is_authenticated = true,
         .answers =
             {dns_mx("example", 10, "plain.example"),
              dns_mx("example", 20, "signed.example"),
              dns_mx("example", 30, "bare.example"),
              dns_mx("example", 40, "odd.example")}}
    );
    dns_.add(dns_address("plain.example", "192.0.2.1"));  // no signatures
    dns_.add(dns_tlsa("_25._tcp.plain.example", tlsa_octets));
    for (const char* name : {"signed.example", "bare.example", "odd.example"}) {
        dns_.add(dns_address(name, "192.0.2.2"), true);
    }
    dns_.add(dns_tlsa("_25._tcp.signed.example", tlsa_octets), true);
    dns_.add(dns_tlsa("_25._tcp.signed.example", {"\1\1\1", 3}), true);  // not for SMTP
    dns_.add(dns_tlsa("_25._tcp.odd.example", {"\1\1\1", 3}), true);
    const Found found = find(server_at("example", true, true));
    ASSERT_TRUE(found.has_value()) << found.error().message();
    ASSERT_EQ(found->size(), 1U);
    const Candidate& candidate = found->front();
    EXPECT_EQ(candidate.name, "signed.example");
    EXPECT_EQ(candidate.other_names, Hosts{"example"});
    EXPECT_TRUE(candidate.dane_required);
    const std::vector<net::TlsaRecord> expected{{3, 1, 1, std::string(32, 'k')}};
    EXPECT_EQ(candidate.tlsa, expected);
}

TEST_F(NextHopTest, dane_needs_every_link) {
    dns_.add(dns_mx("unsigned.example", 10, "signed.example"));
    dns_.add(dns_address("signed.example", "192.0.2.2"), true);
    dns_.add(dns_tlsa("_25._tcp.signed.example", tlsa_octets), true);
    dns_.add(dns_address("forged.example", "192.0.2.2"), true);
    dns_.add(dns_tlsa("_25._tcp.forged.example", tlsa_octets), false);
    dns_.add(dns_address("broken.example", "192.0.2.2"), true);
    dns_.set("_25._tcp.broken.example", 52, {.rcode = 2});
    dns_.add(dns_address("bare.example", "192.0.2.2"), true);
    dns_.add(dns_address("plain.example", "192.0.2.2"));
    struct Row {
        config::Server server;
        std::string_view why;
    };
    const std::vector<Row> rows{
        {server_at("unsigned.example", true, true),
         "MX records of unsigned.example are not signed"},
        {server_at("forged.example", false, true), "TLSA records of forged.example are not signed"},
        {server_at("broken.example", false, true), "SERVFAIL"},
        {server_at("bare.example", false, true), "no TLSA record for bare.example, port 25"},
        {server_at("plain.example", false, true), "addresses of plain.example are not signed"},
    };
    for (const Row& row : rows) {
        const Found found = find(row.server);
        ASSERT_TRUE(found.has_error()) << row.why;
        EXPECT_TRUE(found.error().is(Errc::unavailable)) << row.why;
        EXPECT_NE(found.error().message().find(row.why), std::string::npos)
            << found.error().message();
    }
    EXPECT_TRUE(find(server_at("signed.example", false, true)).has_value());
    EXPECT_TRUE(find(server_at("192.0.2.1", false, true)).error().is(Errc::invalid_argument));
}

TEST_F(NextHopTest, dane_follows_aliases_to_the_base_domain) {
    dns_.set(
        "mx.example",
        1,
        {.is_authenticated = true,
         .answers =
             {dns_cname("mx.example", "real.example"), dns_address("real.example", "192.0.2.1")}}
    );
    dns_.add(dns_tlsa("_25._tcp.mx.example", tlsa_octets), true);
    auto found = find(server_at("mx.example", false, true));
    ASSERT_TRUE(found.has_value()) << found.error().message();
    EXPECT_EQ(found->front().name, "mx.example");  // the alias' end has none

    dns_.set(
        "www.example",
        1,
        {.is_authenticated = true,
         .answers =
             {dns_cname("www.example", "base.example"), dns_address("base.example", "192.0.2.1")}}
    );
    dns_.add(dns_tlsa("_25._tcp.base.example", tlsa_octets), true);
    found = find(server_at("www.example", false, true));
    ASSERT_TRUE(found.has_value()) << found.error().message();
    EXPECT_EQ(found->front().name, "base.example");
    EXPECT_EQ(found->front().other_names, Hosts{"www.example"});
}

TEST_F(NextHopTest, other_dns_servers_count_at_once) {
    dns_.add(dns_address("new.example", "192.0.2.1"));
    EXPECT_EQ(texts(server_at("new.example")), Hosts{"192.0.2.1:25 new.example"});
    test::FakeDns second{loop_.executor()};
    second.add(dns_address("new.example", "192.0.2.2"));
    static_cast<void>(config_.apply(make_config(second.address())));
    EXPECT_EQ(texts(server_at("new.example")), Hosts{"192.0.2.2:25 new.example"});
}

TEST_F(NextHopTest, a_search_can_be_cancelled) {
    dns_.set("new.example", 1, {.is_dropped = true});
    std::optional<Found> found;
    net::TaskGroup group{loop_.executor(), "test", 1};
    const config::Server server = server_at("new.example");
    ASSERT_TRUE(group.spawn(relay::find(hops_, server, found)).has_value());
    while (dns_.questions() == 0) {
        loop_.context().restart();
        ASSERT_GT(loop_.context().run_one(), 0U);
    }
    group.cancel();
    loop_.run(group.join());
    EXPECT_TRUE(net::is_cancelled(found->error()));
    // It is no failure of the server's.
    dns_.set("new.example", 1, {.answers = {dns_address("new.example", "192.0.2.1")}});
    EXPECT_EQ(texts(server_at("new.example")), Hosts{"192.0.2.1:25 new.example"});
}

}  // namespace
}  // namespace siding::relay

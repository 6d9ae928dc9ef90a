// What is watched of a domain's move, and how.
#include "config/live.hpp"
#include "config/settings.hpp"
#include "tests/config/mistakes.hpp"

namespace siding::config {
namespace {

using namespace std::chrono_literals;

constexpr const char* domain = "  example.com: { phase: hold }";

Config load_good(const std::string& text) {
    auto loaded = load_text(text, "/etc/siding/siding.yaml");
    EXPECT_TRUE(loaded) << loaded.error().text();
    return loaded ? *loaded : Config{};
}

Dns dns_of(const std::string& keys) {
    return load_good(with_line("limits: {}", "dns: { " + keys + " }")).dns;
}

DomainSettings domain_of(const std::string& keys) {
    return load_good(with_line(domain, "  example.com: { " + keys + " }")).domains.begin()->second;
}

TEST(DnsKeys, AreReadAndWatchingIsTheDefault) {
    const Dns usual = dns_of("tries: 3");
    EXPECT_TRUE(usual.enabled && usual.panel);
    EXPECT_FALSE(usual.panel_file);
    EXPECT_EQ(usual.port, 53);
    const Dns said = dns_of(
        "enabled: false, watch: 1m, watch_near: 2s, panel: panel.txt, samples: 2, rounds: 1, "
        "slack: 0s, floor: 0s, allowance: 2d, coverage_min: 97.5%, straggler_max: 0%, "
        "operators_min: 3, roots: [127.0.0.1:5300], port: 5300"
    );
    EXPECT_FALSE(said.enabled);
    EXPECT_EQ(said.watch, 1min);
    EXPECT_EQ(said.watch_near, 2s);
    EXPECT_EQ(said.panel_file, "/etc/siding/panel.txt");
    EXPECT_EQ(said.samples, 2U);
    EXPECT_EQ(said.rounds, 1U);
    EXPECT_EQ(said.slack, 0s);
    EXPECT_EQ(said.floor, 0s);
    EXPECT_EQ(said.allowance, 48h);
    EXPECT_EQ(said.coverage_min, 0.975);
    EXPECT_EQ(said.straggler_max, 0.0);
    EXPECT_EQ(said.operators_min, 3U);
    EXPECT_EQ(said.roots, (std::vector<Endpoint>{{"127.0.0.1", 5300}}));
    EXPECT_EQ(said.port, 5300);
}

TEST(DnsKeys, ThePanelIsAWordOrAFile) {
    EXPECT_FALSE(dns_of("panel: \"off\"").panel);
    EXPECT_TRUE(dns_of("panel: default").panel);
    EXPECT_FALSE(dns_of("panel: default").panel_file);
    EXPECT_EQ(dns_of("panel: /a/off").panel_file, "/a/off");
}

TEST(DnsKeys, ADomainMovesToUsUnlessItSaysOtherwise) {
    const MxMove usual = domain_of("phase: hold").mx;
    EXPECT_EQ(
        new_mx_hosts(usual, "hold.example.net"), std::vector<std::string>{"hold.example.net"}
    );
    EXPECT_TRUE(usual.old_hosts.empty());
    EXPECT_FALSE(usual.switch_at);
    const MxMove said = domain_of(
                            "mx: { new: [A.Example.NET., b.example.net], old: mail.old.example, "
                            "switch_at: \"2026-11-28T20:00:00Z\" }"
    )
                            .mx;
    EXPECT_EQ(said.new_hosts, (std::vector<std::string>{"a.example.net", "b.example.net"}));
    EXPECT_EQ(new_mx_hosts(said, "hold.example.net"), said.new_hosts);
    EXPECT_EQ(said.old_hosts, std::vector<std::string>{"mail.old.example"});
    EXPECT_EQ(format_time(said.switch_at.value()), "2026-11-28T20:00:00.000Z");
}

TEST(DnsKeys, StragglersComeByLogOrByNetwork) {
    const Stragglers said =
        domain_of("stragglers: { log: old/mail.log, networks: [192.0.2.0/24, \"2001:db8::5\"] }")
            .stragglers;
    EXPECT_EQ(said.log, "/etc/siding/old/mail.log");
    ASSERT_EQ(said.networks.size(), 2U);
    EXPECT_TRUE(contains(said.networks, "192.0.2.9"));
}

TEST(DnsKeys, AReloadTellsWhatItChanged) {
    const Config now = load_good(good_file);
    const Config next = load_good(with_line(
        domain, "  example.com: { phase: hold, mx: { switch_at: \"2026-11-28T20:00:00Z\" } }"
    ));
    EXPECT_EQ(
        plan_reload(now, next).applied,
        std::vector<std::string>{
            "domains.example.com.mx.switch_at: not set -> 2026-11-28T20:00:00.000Z"}
    );
}

constexpr Mistake mistakes[] = {
    {"limits: {}",
     "dns: { port: 0 }",
     "f:8:14: dns.port: '0' is not accepted; allowed: a number from 1 to 65535"},
    {"limits: {}",
     "dns: { roots: [a.root-servers.net] }",
     "f:8:16: dns.roots: 'a.root-servers.net' is no address of a resolver; write an IP address "
     "and, if it is not 53, its port, such as 127.0.0.1 or [::1]:5353"},
    {"limits: {}",
     "dns: { coverage_min: 0.99 }",
     "f:8:22: dns.coverage_min: '0.99' is not accepted; allowed: a percentage from 50% to 100%, "
     "such as 99%"},
    {"limits: {}",
     "dns: { straggler_max: 11% }",
     "f:8:23: dns.straggler_max: '11%' is not accepted; allowed: a percentage from 0% to 10%, "
     "such as 0.1%"},
    {"limits: {}",
     "dns: { watch: 10s }",
     "f:8:6: dns.watch_near: is above dns.watch; near a switch is more often"},
    {domain,
     "  example.com: { mx: { new: [example] } }",
     "f:7:30: domains.example.com.mx.new: 'example' is not accepted; allowed: a list of full "
     "names, such as mx.example.net"},
    {domain,
     "  example.com: { mx: { new: [a.example], old: [a.example] } }",
     "f:7:47: domains.example.com.mx.old: a.example is a new one, too; a host is one or the other"},
    {domain,
     "  example.com: { mx: { switch_at: tomorrow } }",
     "f:7:35: domains.example.com.mx.switch_at: 'tomorrow' is not accepted; allowed: a time in "
     "UTC, such as 2026-11-28T20:00:00Z"},
};

TEST(DnsKeys, MistakesAreToldWithTheirPlace) {
    expect_told(mistakes);
}

}  // namespace
}  // namespace siding::config

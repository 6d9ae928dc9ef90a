// A domain's move as its watch sees it: looks and rounds go in, reports come out.
#include "cutover/dns_domain.hpp"

#include "config/load.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>

namespace siding::cutover {
namespace {

using namespace std::chrono_literals;

const WallTime start = parse_time("2026-11-28T19:00:00Z").value();
const Domain domain = Domain::parse("example.com").value();

dns::Sample answer(const std::string& host, std::chrono::seconds ttl, WallTime at) {
    dns::Sample sample;
    sample.kind = dns::Sample::Kind::answered;
    sample.at = at;
    sample.question = {"example.com", dns::RecordType::mx};
    sample.response.authoritative = true;
    dns::ResourceRecord record;
    record.owner = "example.com";
    record.type = static_cast<std::uint16_t>(dns::RecordType::mx);
    record.ttl = ttl;
    record.data = dns::Mx{10, host};
    sample.response.answers.push_back(std::move(record));
    return sample;
}

// By server; an empty host: it does not answer.
dns::AuthorityView view_of(
    const std::map<std::string, std::string>& hosts, std::chrono::seconds ttl, WallTime at
) {
    dns::AuthorityView view;
    view.domain = view.zone = "example.com";
    view.at = at;
    for (const auto& [name, host] : hosts) {
        dns::ServerView& server = view.servers.emplace_back();
        server.name = name;
        server.address = {"192.0.2." + name.substr(2), 53};
        if (!host.empty()) {
            server.mx = server.mx_tcp = answer(host, ttl, at);
        }
    }
    return view;
}

dns::PanelRound round_of(dns::SampleState state, WallTime at) {
    dns::PanelRound round;
    round.at = at;
    for (const char* const name : {"One", "Two with blanks"}) {
        dns::OperatorView& view = round.operators.emplace_back();
        view.name = name;
        view.state = state;
    }
    return round;
}

class DnsDomainTest : public testing::Test {
protected:
    DnsDomainTest() {
        plan.new_hosts = {"new.example"};
        plan.policy.slack = 0s;
        plan.policy.rounds = 2;
        plan.pace.watch_near = 20s;
        plan.pace.panel_near = 20s;
    }

    void look(const std::map<std::string, std::string>& hosts, WallTime at) {
        state.on_look(view_of(hosts, 300s, at), at);
    }

    // Two servers that serve the old MX, then the new one.
    void move() {
        look({{"ns1", "old.example"}, {"ns2", "old.example"}}, start);
        look({{"ns1", "new.example"}, {"ns2", "new.example"}}, start + 20s);
    }

    DomainDnsReport report(WallTime at) const { return state.report(plan, book, at); }
    dns::Verdict verdict(WallTime at) const { return report(at).judgement.verdict; }

    DnsPlan plan;
    DnsDomain state{domain};
    SenderBook book{domain};
};

TEST_F(DnsDomainTest, AMoveIsPublishedAndThenConverged) {
    move();
    EXPECT_EQ(verdict(start + 21s), dns::Verdict::published);
    EXPECT_EQ(report(start + 21s).judgement.mx.value().at, start + 320s);
    state.on_round(round_of(dns::SampleState::is_new, start + 300s), plan);
    state.on_round(round_of(dns::SampleState::is_new, start + 321s), plan);
    EXPECT_EQ(verdict(start + 319s), dns::Verdict::published);
    EXPECT_EQ(verdict(start + 321s), dns::Verdict::converged);
}

TEST_F(DnsDomainTest, WhatWasThereFirstIsOldAndAThirdHostIsNotPlanned) {
    look({{"ns1", "old.example"}, {"ns2", "old.example"}}, start);
    EXPECT_EQ(report(start).expected.old_hosts, std::vector<std::string>{"old.example"});
    look({{"ns1", "evil.example"}, {"ns2", "old.example"}}, start + 20s);
    const DomainDnsReport found = report(start + 20s);
    EXPECT_EQ(found.expected.old_hosts, std::vector<std::string>{"old.example"});
    EXPECT_TRUE(found.judgement.unplanned);
    EXPECT_NE(found.judgement.unplanned_text.find("evil.example"), std::string::npos);
}

TEST_F(DnsDomainTest, WhatTheOperatorSaysIsOldGoesFirst) {
    plan.old_hosts = {"before.example"};
    look({{"ns1", "old.example"}}, start);
    EXPECT_EQ(report(start).expected.old_hosts, plan.old_hosts);
}

TEST_F(DnsDomainTest, ARestartForgetsNeitherHistoryNorRounds) {
    move();
    state.on_round(round_of(dns::SampleState::is_new, start + 321s), plan);
    state.on_round(round_of(dns::SampleState::is_new, start + 342s), plan);
    DnsDomain again{domain};
    again.resume(dns::History::load(state.history().save()).value(), state.save());
    EXPECT_EQ(again.save(), state.save());
    EXPECT_EQ(again.history(), state.history());
    again.on_look(
        view_of({{"ns1", "new.example"}, {"ns2", "new.example"}}, 300s, start + 1h), start + 1h
    );
    EXPECT_EQ(again.report(plan, book, start + 1h).judgement.verdict, dns::Verdict::converged);
    ASSERT_TRUE(again.report(plan, book, start + 1h).panel);
    EXPECT_EQ(again.report(plan, book, start + 1h).panel->operators.back().name, "Two with blanks");
}

TEST_F(DnsDomainTest, HoursWithoutAnAnswerTakeNothingBack) {
    move();
    state.on_round(round_of(dns::SampleState::is_new, start + 321s), plan);
    state.on_round(round_of(dns::SampleState::is_new, start + 342s), plan);
    for (int round = 1; round <= 50; ++round) {
        const WallTime at = start + 400s + round * 1min;
        state.on_round(round_of(dns::SampleState::timed_out, at), plan);
        ASSERT_EQ(verdict(at), dns::Verdict::converged) << round;
        ASSERT_EQ(report(at).panel.value().at, at);
    }
}

TEST_F(DnsDomainTest, KeptLinesOfAnotherVersionAreNoTrouble) {
    DnsDomain again{domain};
    again.resume({}, "X 1\nO new before any round\nR abc\nR 5\nO what name\nO new\n\nU x");
    EXPECT_EQ(again.save(), "R 5\n");
}

TEST_F(DnsDomainTest, DnsThatIsAwayIsOnlyAWordInTheReport) {
    move();
    const std::size_t epochs = report(start + 20s).history.size();
    state.on_look(Error{Errc::unavailable, "no server of example.com answers"}, start + 40s);
    const DomainDnsReport found = report(start + 40s);
    EXPECT_EQ(found.error, "no server of example.com answers");
    EXPECT_EQ(found.history.size(), epochs);
    EXPECT_EQ(found.judgement.verdict, dns::Verdict::published);
    EXPECT_EQ(found.next_at, start + 60s);
    // Resolvers may have served stale answers meanwhile, and the operator hears of it.
    EXPECT_NE(found.judgement.gates.at(1).reason.find("3 d"), std::string::npos);
    look({{"ns1", "new.example"}, {"ns2", "new.example"}}, start + 60s);
    EXPECT_TRUE(report(start + 60s).error.empty());
}

TEST_F(DnsDomainTest, BeforeAPlannedSwitchResolversAreLeftAlone) {
    plan.switch_at = start + 10min;
    look({{"ns1", "old.example"}}, start);
    EXPECT_TRUE(report(start).permit.allowed);
    look({{"ns1", "old.example"}}, start + 5min + 1s);
    const DomainDnsReport found = report(start + 5min + 1s);
    EXPECT_FALSE(found.permit.allowed);
    EXPECT_EQ(found.next_at, start + 5min + 21s);  // but servers are asked often
}

TEST_F(DnsDomainTest, FarFromASwitchLooksAreRare) {
    look({{"ns1", "old.example"}}, start);
    EXPECT_EQ(report(start).next_at, start + 5min);
    move();
    EXPECT_EQ(report(start + 21s).next_at, start + 40s);
}

TEST_F(DnsDomainTest, SilenceOfResolversTakesNothingBack) {
    move();
    state.on_round(round_of(dns::SampleState::is_new, start + 321s), plan);
    state.on_round(round_of(dns::SampleState::is_new, start + 342s), plan);
    for (int i = 0; i < 100; ++i) {
        state.on_round(round_of(dns::SampleState::timed_out, start + 400s + i * 1min), plan);
    }
    EXPECT_EQ(verdict(start + 2h), dns::Verdict::converged);
    ASSERT_TRUE(report(start + 2h).panel);
    EXPECT_EQ(report(start + 2h).panel->operators.front().state, dns::SampleState::timed_out);
}

TEST_F(DnsDomainTest, RoundsAreBounded) {
    move();
    for (int i = 0; i < 100; ++i) {
        state.on_round(round_of(dns::SampleState::is_old, start + i * 1min), plan);
    }
    const std::string kept = state.save();
    EXPECT_EQ(std::ranges::count(kept, 'R'), 6);
}

TEST_F(DnsDomainTest, ServersAreCountedByWhatTheyServe) {
    look({{"ns1", "old.example"}, {"ns2", "new.example"}, {"ns3", ""}}, start);
    const DomainDnsReport found = report(start);
    EXPECT_EQ(server_state(found, found.authority->servers[0]), "old");
    EXPECT_EQ(server_state(found, found.authority->servers[1]), "new");
    EXPECT_EQ(server_state(found, found.authority->servers[2]), "unreachable");
}

TEST(DnsPlanOf, TheConfigurationSaysWhatIsWatched) {
    const auto config = config::load_text(
        "hostname: hold.example.net\ndata_dir: /d\nlisteners: [{address: '[::]:25'}]\n"
        "servers: {new: {address: new.example}}\n"
        "domains: {example.com: {stragglers: {log: /old.log, networks: [192.0.2.1]}}}\n"
        "dns: {slack: 1500ms, rounds: 5, panel: 'off', watch: 1m}\n",
        "f"
    );
    ASSERT_TRUE(config) << config.error().text();
    const DnsPlan plan = make_dns_plan(*config, domain, 60s);
    EXPECT_EQ(plan.new_hosts, std::vector<std::string>{"hold.example.net"});
    EXPECT_EQ(plan.policy.slack, 2s);  // never less than was asked for
    EXPECT_EQ(plan.policy.rounds, 5U);
    EXPECT_FALSE(plan.has_panel);
    EXPECT_EQ(plan.pace.watch, 1min);
    EXPECT_EQ(plan.straggler_source, "the log /old.log and mail from 192.0.2.1");
}

dns::Served address(const std::string& host, const std::string& data, WallTime at) {
    dns::Served served;
    served.server = "ns1 192.0.2.1";
    served.name = host;
    served.type = static_cast<std::uint16_t>(dns::RecordType::a);
    served.data = data;
    served.ttl = 600s;
    served.at = at;
    return served;
}

TEST_F(DnsDomainTest, HostsOfTheNewMxAndThenOfTheOldOneWithTheirAddresses) {
    look({{"ns1", "old.example"}}, start);
    state.on_names({address("old.example", "192.0.2.10", start)});
    EXPECT_TRUE(state.on_names({address("old.example", "192.0.2.20", start + 1min)}));
    EXPECT_FALSE(state.on_names({address("old.example", "192.0.2.20", start + 2min)}));
    const auto hosts = report(start + 2min).hosts;
    ASSERT_EQ(hosts.size(), 2u);
    EXPECT_EQ(hosts[0].host, "new.example");
    EXPECT_TRUE(hosts[0].addresses.empty());
    EXPECT_EQ(hosts[1].host, "old.example");
    EXPECT_EQ(hosts[1].addresses, std::vector<std::string>{"192.0.2.20"});
    EXPECT_EQ(hosts[1].gone, std::vector<std::string>{"192.0.2.10"});
    EXPECT_EQ(hosts[1].old_until.value().at, start + 11min);
    EXPECT_FALSE(report(start + 2min).judgement.mx.value().at > start + 2min + 300s)
        << "of the MX alone";
}

TEST_F(DnsDomainTest, WhyAPolicyCouldNotBeFetchedIsInItsGate) {
    move();
    dns::Served announced = address("_mta-sts.example.com", "v=STSv1; id=1", start);
    announced.type = static_cast<std::uint16_t>(dns::RecordType::txt);
    EXPECT_EQ(report(start).judgement.gates.size(), 5u);
    state.on_names({announced});
    state.on_policy_problem("nobody answers");
    const auto& gates = report(start + 1min).judgement.gates;
    ASSERT_EQ(gates.size(), 6u);
    EXPECT_EQ(gates.back().name, "mta-sts");
    EXPECT_NE(gates.back().reason.find("nobody answers"), std::string::npos);
}

TEST_F(DnsDomainTest, CapsOfResolversAreShownAndKept) {
    move();
    for (int minute = 1; minute <= 3; ++minute) {
        dns::PanelRound round = round_of(dns::SampleState::is_new, start + 30s * minute);
        dns::SampleView& sample = round.operators.front().samples.emplace_back();
        sample.mx = {"10 new.example"};
        sample.ttl_left = 60s;
        state.on_round(std::move(round), plan);
    }
    const auto operators = report(start + 2min).panel.value().operators;
    EXPECT_EQ(operators.at(0).cap, 60s);
    EXPECT_FALSE(operators.at(1).cap);
    DnsDomain again{domain};
    again.resume({}, state.save());
    EXPECT_EQ(again.save(), state.save());
}

}  // namespace
}  // namespace siding::cutover

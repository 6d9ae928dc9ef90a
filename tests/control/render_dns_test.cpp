// The documents of /v1/dns, and baselines of senders there and back.
#include "control/render_dns.hpp"

#include "base/limits.hpp"

#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <gtest/gtest.h>

#include <string>

namespace siding::control {
namespace {

namespace json = boost::json;
using namespace std::chrono_literals;

const WallTime now = parse_time("2026-11-28T20:44:00Z").value();
const Domain domain = Domain::parse("example.com").value();

dns::Sample answer(const std::string& host) {
    dns::Sample sample;
    sample.kind = dns::Sample::Kind::answered;
    sample.at = now;
    sample.question = {"example.com", dns::RecordType::mx};
    sample.response.authoritative = true;
    dns::ResourceRecord record;
    record.owner = "example.com";
    record.type = static_cast<std::uint16_t>(dns::RecordType::mx);
    record.ttl = 300s;
    record.data = dns::Mx{10, host};
    sample.response.answers.push_back(std::move(record));
    return sample;
}

cutover::DomainDnsReport report() {
    cutover::DomainDnsReport report;
    report.domain = "example.com";
    report.expected = {{"new.example"}, {"old.example"}};
    report.judgement.verdict = dns::Verdict::published;
    report.judgement.reason = "because \xff";
    report.judgement.expected_at = now + 1h;
    report.judgement.mx = dns::Deadline{now + 1h, "ns1 served TTL 3600"};
    dns::Gate gate;
    gate.name = "panel";
    gate.asked = false;
    report.judgement.gates = {gate};
    dns::AuthorityView& view = report.authority.emplace();
    view.domain = view.zone = "example.com";
    view.at = now;
    dns::ServerView& server = view.servers.emplace_back();
    server.name = "ns1.example";
    server.address = {"2001:db8::1", 53};
    server.mx = server.mx_tcp = answer("new.example");
    view.problems.push_back(
        {dns::AuthorityProblem::Kind::no_tcp, server.text(), "ns1.example says nothing over TCP"}
    );
    dns::OperatorView& quad = report.panel.emplace().operators.emplace_back();
    quad.name = "Quad9";
    quad.state = dns::SampleState::is_old;
    quad.old_for_at_most = 1410s;
    quad.cap = 1800s;
    quad.samples.emplace_back().state = dns::SampleState::is_old;
    report.coverage.missing.push_back({.name = "bank.example", .share = 0.25, .at_old = true});
    dns::HostAddresses& host = report.hosts.emplace_back();
    host.host = "new.example";
    host.addresses = {"192.0.2.9"};
    host.gone = {"192.0.2.1"};
    host.changed_at = now - 1min;
    host.old_until = dns::Deadline{now + 10min, "ns1 served TTL 600"};
    report.history.emplace_back().type = dns::policy_type;
    report.watched_at = now;
    return report;
}

TEST(DnsDocument, SaysWhatIsKnown) {
    const json::object document = dns_json(report());
    EXPECT_EQ(document.at("verdict"), "published");
    EXPECT_EQ(document.at("reason"), "because \\xff");  // whatever a server says, it is JSON
    EXPECT_EQ(document.at("expected_at"), "2026-11-28T21:44:00.000Z");
    EXPECT_EQ(document.at("deadline").at("why"), "ns1 served TTL 3600");
    EXPECT_TRUE(document.at("hard_deadline").is_null());
    EXPECT_TRUE(document.at("unplanned").is_null());
    EXPECT_EQ(document.at("gates").at(0).at("asked"), false);
    EXPECT_EQ(document.at("mx").at("served"), json::array{"10 new.example"});
    const json::value& server = document.at("authority").at("servers").at(0);
    EXPECT_EQ(server.at("address"), "[2001:db8::1]:53");
    EXPECT_EQ(server.at("state"), "new");
    EXPECT_EQ(server.at("ttl"), 300);
    EXPECT_EQ(server.at("problem"), "ns1.example says nothing over TCP");
    EXPECT_EQ(document.at("authority").at("problems").at(0).at("kind"), "no-tcp");
    const json::value& quad = document.at("panel").at("operators").at(0);
    EXPECT_EQ(quad.at("state"), "old");
    EXPECT_EQ(quad.at("old_for_at_most"), 1410);
    EXPECT_EQ(quad.at("cap"), 1800);
    EXPECT_EQ(document.at("coverage").at("missing").at(0).at("name"), "bank.example");
    const json::value& host = document.at("hosts").at(0);
    EXPECT_EQ(host.at("name"), "new.example");
    EXPECT_EQ(host.at("new"), true);
    EXPECT_EQ(host.at("addresses"), json::array{"192.0.2.9"});
    EXPECT_EQ(host.at("gone"), json::array{"192.0.2.1"});
    EXPECT_EQ(host.at("old_until").at("at"), "2026-11-28T20:54:00.000Z");
    EXPECT_EQ(document.at("history").at(0).at("type"), "POLICY");
}

TEST(DnsDocument, BeforeTheFirstLookThereIsNothingButNulls) {
    cutover::DomainDnsReport report;
    report.domain = "example.com";
    const json::object document = dns_json(report);
    EXPECT_EQ(document.at("verdict"), "none");
    EXPECT_TRUE(document.at("watched_at").is_null());
    EXPECT_TRUE(document.at("authority").is_null());
    EXPECT_TRUE(document.at("mx").at("served").is_null());
    EXPECT_TRUE(document.at("stragglers").at("bound").is_null());
}

cutover::SenderBaseline baseline_of(std::size_t networks) {
    cutover::SenderBaseline baseline;
    baseline.messages = 12;
    baseline.first = now - 24h;
    baseline.last = now;
    baseline.hours.at(167) = 12;
    baseline.providers = {{"google.com", 10}, {"bank.example", 2}};
    for (std::size_t i = 0; i < networks; ++i) {
        baseline
            .networks["10." + std::to_string(i / 256) + "." + std::to_string(i % 256) + ".0/24"] =
            "google.com";
    }
    return baseline;
}

TEST(Baselines, ComeBackAsTheyWentInBodiesThatAreTaken) {
    const cutover::SenderBaseline baseline = baseline_of(limits::sender_networks_max);
    const auto bodies = baseline_bodies(domain, baseline, cutover::ImportMode::replace);
    ASSERT_EQ(bodies.size(), 3U);
    EXPECT_EQ(bodies.front().at("mode"), "replace");
    cutover::SenderBaseline all;
    for (const json::object& body : bodies) {
        EXPECT_LT(json::serialize(body).size(), limits::http_body_octets_max);
        EXPECT_EQ(body.at("domain"), "example.com");
        const auto part = parse_baseline(body.at("baseline").as_object());
        ASSERT_TRUE(part) << part.error().context;
        all.add(*part);
    }
    EXPECT_EQ(bodies.back().at("mode"), "add");
    EXPECT_EQ(all, baseline);
}

TEST(Baselines, MistakesNameTheKey) {
    const auto refused = [](json::object baseline) {
        const auto parsed = parse_baseline(baseline);
        return parsed.has_error() ? parsed.error().context : std::string{};
    };
    EXPECT_EQ(refused({}), "");
    EXPECT_NE(refused({{"messages", -1}}).find("'messages'"), std::string::npos);
    EXPECT_NE(refused({{"hours", {1, 2}}}).find("'hours'"), std::string::npos);
    EXPECT_NE(
        refused({{"providers", {{"a.example", "x"}}}}).find("'providers'"), std::string::npos
    );
    EXPECT_NE(refused({{"networks", {{"10.0.0.0/8", 1}}}}).find("'networks'"), std::string::npos);
    EXPECT_NE(
        refused({{"first", "2026-11-28T00:00:00Z"}, {"last", "2026-11-27T00:00:00Z"}}
        ).find("'last'"),
        std::string::npos
    );
}

}  // namespace
}  // namespace siding::control

#include "cutover/doctor_dns.hpp"

#include "tests/cutover/doctor_fixture.hpp"

#include <fmt/format.h>
#include <fstream>

namespace siding::cutover {
namespace {

using Kind = dns::AuthorityProblem::Kind;
using DoctorDns = DoctorTest;

TEST_F(DoctorDns, D01_and_D02_tell_servers_apart) {
    facts_.no_view = "no way";
    EXPECT_EQ(run(check_delegation).why_not, "no way");
    EXPECT_TRUE(run(check_same_mx).is_hindered);

    server("ns1.example", {{10, "mx.old.example"}});
    server("ns2.example", {{10, "mx.old.example"}});
    EXPECT_TRUE(passes(check_delegation));
    EXPECT_TRUE(passes(check_same_mx));

    // That we have no IPv6 is nobody's fault.
    facts_.view->problems = {{Kind::unreachable, "", "no route to 2001:db8::1"}};
    EXPECT_TRUE(passes(check_delegation));

    facts_.view->problems = {{Kind::lame, "ns2.example 192.0.2.9", "ns2 is lame"}};
    const CheckOutcome lame = run(check_delegation);
    EXPECT_EQ(lame.status, CheckStatus::failed);
    EXPECT_TRUE(has(lame.evidence, "ns2 is lame"));
    EXPECT_TRUE(passes(check_same_mx));  // that is for D01 to say

    facts_.view->problems = {{Kind::ttl_differs, "", "TTLs differ"}};
    EXPECT_TRUE(passes(check_delegation));
    const CheckOutcome differs = run(check_same_mx);
    EXPECT_EQ(differs.status, CheckStatus::failed);
    EXPECT_TRUE(has(differs.evidence, "ns2.example"));
    EXPECT_FALSE(differs.severity.has_value());

    facts_.view->problems = {{Kind::serial_differs, "", "serials differ"}};
    EXPECT_EQ(run(check_same_mx).severity, Severity::warning);
}

TEST_F(DoctorDns, D03_wants_names_with_addresses) {
    EXPECT_TRUE(passes(check_mx_hosts));
    facts_.mx.push_back({20, "192.0.2.7"});
    facts_.mx.push_back({30, "alias.example"});
    facts_.mx.push_back({40, "gone.example"});
    host("alias.example", "192.0.2.3").alias_of = "real.example";
    host("gone.example").problem = "the resolver says NXDOMAIN";
    const CheckOutcome outcome = run(check_mx_hosts);
    EXPECT_EQ(outcome.status, CheckStatus::failed);
    EXPECT_TRUE(has(outcome.evidence, "192.0.2.7 is an address")) << outcome.evidence;
    EXPECT_TRUE(has(outcome.evidence, "alias.example is an alias of real.example"));
    EXPECT_TRUE(has(outcome.evidence, "gone.example has no address"));
    EXPECT_TRUE(has(outcome.fix, "example.com.  300  IN  MX  10 real.example."));
}

TEST_F(DoctorDns, D03_does_not_guess_when_nobody_answers) {
    facts_.mx = {{10, "dark.example"}};
    host("dark.example");
    dns_.set("dark.example", 1, {.rcode = 2});
    EXPECT_TRUE(run(check_mx_hosts).is_hindered);
    facts_.mx_known = false;
    EXPECT_TRUE(run(check_mx_hosts).is_hindered);
    EXPECT_TRUE(run(check_null_mx).is_hindered);
    EXPECT_TRUE(run(check_has_mx).is_hindered);
}

TEST_F(DoctorDns, D04_refuses_the_null_mx) {
    EXPECT_TRUE(passes(check_null_mx));
    facts_.mx.push_back({0, ""});
    EXPECT_TRUE(has(run(check_null_mx).breaks, "not allowed"));
    facts_.mx = {{0, ""}};
    const CheckOutcome alone = run(check_null_mx);
    EXPECT_TRUE(has(alone.breaks, "5.1.10"));
    EXPECT_TRUE(has(alone.fix, "10 mx.old.example."));
}

TEST_F(DoctorDns, D05_names_who_is_not_meant) {
    EXPECT_TRUE(passes(check_leftover_mx));
    facts_.mx = {{10, "hold.example"}};
    EXPECT_TRUE(passes(check_leftover_mx));
    facts_.mx.push_back({20, "mx.old.example"});  // the move has begun
    const CheckOutcome old = run(check_leftover_mx);
    EXPECT_TRUE(has(old.evidence, "not meant: mx.old.example")) << old.evidence;
    EXPECT_FALSE(has(old.fix, "mx.old.example."));
    facts_.mx = {{10, "mx.old.example"}, {32767, "ms12345.msv1.invalid"}};
    EXPECT_TRUE(has(run(check_leftover_mx).evidence, "not meant: ms12345.msv1.invalid"));
    facts_.old_hosts.clear();
    facts_.new_hosts.clear();
    EXPECT_TRUE(fails(check_leftover_mx));
    facts_.mx.pop_back();
    EXPECT_EQ(run(check_leftover_mx).status, CheckStatus::not_checked);
}

TEST_F(DoctorDns, D06_wants_an_mx) {
    EXPECT_TRUE(passes(check_has_mx));
    facts_.mx.clear();
    const CheckOutcome none = run(check_has_mx);
    EXPECT_EQ(none.status, CheckStatus::failed);
    EXPECT_TRUE(has(none.fix, "10 mx.old.example."));
}

TEST_F(DoctorDns, D07_wants_mail_taken_on_ipv6) {
    EXPECT_TRUE(passes(check_mx_ipv6));
    SmtpView session;
    session.address = {net::Family::ipv6, "2001:db8::1", 25};
    session.reach = SmtpView::Reach::no_route;
    host("mx.old.example").sessions = {session};
    EXPECT_EQ(run(check_mx_ipv6).status, CheckStatus::not_checked);
    session.reach = SmtpView::Reach::refused;
    session.problem = "connection refused";
    host("mx.old.example").sessions = {session};
    EXPECT_TRUE(has(run(check_mx_ipv6).evidence, "connection refused"));
    session.reach = SmtpView::Reach::answered;
    host("mx.old.example").sessions = {session};
    EXPECT_TRUE(passes(check_mx_ipv6));
}

TEST_F(DoctorDns, D08_finds_forgotten_dots) {
    EXPECT_TRUE(passes(check_double_suffix));
    facts_.mx = {{10, "mx.example.com"}};
    EXPECT_TRUE(passes(check_double_suffix));
    facts_.mx = {{10, "mx.example.com.example.com"}};
    EXPECT_TRUE(has(run(check_double_suffix).evidence, "mx.example.com was meant"));
    facts_.mx = {{10, "mx.old.example.example.com"}};
    host("mx.old.example.example.com");
    EXPECT_TRUE(has(run(check_double_suffix).evidence, "mx.old.example was meant"));
}

TEST_F(DoctorDns, D09_judges_the_ttl_by_the_time) {
    server("ns1.example", {{10, "mx.old.example"}}, 3600);
    EXPECT_TRUE(passes(check_mx_ttl));
    options_.phase = DoctorPhase::pre_switch;
    const CheckOutcome near = run(check_mx_ttl);
    EXPECT_EQ(near.severity, Severity::warning);
    EXPECT_TRUE(has(near.fix, "example.com.  300  IN  MX  10 mx.old.example.")) << near.fix;
    config::DomainSettings settings;
    settings.mx.switch_at = facts_.now + std::chrono::minutes{30};
    facts_.settings = &settings;
    EXPECT_EQ(run(check_mx_ttl).severity, Severity::critical);
    settings.mx.switch_at = facts_.now + std::chrono::hours{2};
    EXPECT_EQ(run(check_mx_ttl).severity, Severity::warning);
    facts_.mx = {{10, "hold.example"}};
    EXPECT_TRUE(passes(check_mx_ttl));
    facts_.settings = nullptr;
}

TEST_F(DoctorDns, D10_and_D11_look_at_other_times) {
    server("ns1.example", {{10, "mx.old.example"}});
    EXPECT_TRUE(passes(check_other_ttls));
    host("hold.example").address_ttl = std::chrono::hours{48};
    EXPECT_TRUE(has(run(check_other_ttls).fix, "hold.example.  300  IN  A  192.0.2.2"));
    EXPECT_TRUE(passes(check_negative_ttl));
    dns::Soa soa;
    soa.primary = "ns1.example";
    soa.mailbox = "hostmaster.example";
    soa.serial = 7;
    soa.minimum = std::chrono::seconds{86400};
    facts_.view->servers[0].soa.response.answers = {record(dns::RecordType::soa, soa)};
    const CheckOutcome outcome = run(check_negative_ttl);
    EXPECT_TRUE(has(outcome.evidence, "86400"));
    EXPECT_TRUE(has(outcome.fix, "ns1.example. hostmaster.example. 8 ")) << outcome.fix;
}

TEST_F(DoctorDns, D12_looks_at_keys_and_signatures) {
    using namespace std::chrono_literals;
    dns::ServerView& one = server("ns1.example", {{10, "mx.old.example"}});
    EXPECT_TRUE(passes(check_dnssec));  // not signed
    facts_.view->delegation_ds.data = {"12345 13 2 " + std::string(64, '0')};
    EXPECT_TRUE(has(run(check_dnssec).evidence, "no DNSKEY of example.com fits"));

    // RFC 6605 §6.1, on our own name: the digest is made by the check itself, from the zone's key.
    const std::string key = "\x01\x01\x03\x0d" + std::string(64, 'k');
    dns_.add({.owner = "example.com", .type = 48, .data = key});
    facts_.view->delegation_ds.data = {"1 13 2 00"};
    const CheckOutcome other = run(check_dnssec);
    EXPECT_EQ(other.status, CheckStatus::failed);
    dns::Dnskey parsed;
    parsed.flags = 257;
    parsed.protocol = 3;
    parsed.algorithm = 13;
    parsed.key = std::string(64, 'k');
    facts_.view->delegation_ds.data = {std::to_string(parsed.key_tag()) + " 13 4 abcd"};

    const auto sign = [&](std::chrono::hours left, std::chrono::hours life) {
        dns::Rrsig signature;
        signature.covered = 15;
        signature.expiration = facts_.now + left;
        signature.inception = signature.expiration - life;
        auto& answers = one.mx.response.answers;
        answers.resize(1);
        answers.push_back(record(dns::RecordType::rrsig, signature));
    };
    EXPECT_TRUE(has(run(check_dnssec).evidence, "without RRSIG"));
    sign(24h * 14, 24h * 21);
    EXPECT_TRUE(passes(check_dnssec)) << run(check_dnssec).evidence;
    sign(24h * 5, 24h * 21);
    EXPECT_EQ(run(check_dnssec).severity, Severity::warning);
    sign(24h * 3, 24h * 3 + 1h);
    EXPECT_EQ(run(check_dnssec).severity, Severity::warning);
    sign(24h, 48h);
    EXPECT_EQ(run(check_dnssec).severity, Severity::info);
    sign(-1h, 24h * 21);
    const CheckOutcome expired = run(check_dnssec);
    EXPECT_EQ(expired.status, CheckStatus::failed);
    EXPECT_FALSE(expired.severity.has_value());
}

TEST_F(DoctorDns, D13_compares_with_the_inside) {
    EXPECT_EQ(run(check_split_horizon).status, CheckStatus::not_checked);
    options_.resolver = dns_.address();
    dns_.add(test::dns_mx("example.com", 10, "mx.old.example"));
    EXPECT_TRUE(passes(check_split_horizon));
    facts_.mx = {{10, "hold.example"}};
    EXPECT_TRUE(has(run(check_split_horizon).evidence, "inside 10 mx.old.example"));
    host("hold.example").addresses = {{net::Family::ipv4, "192.0.2.77"}};
    EXPECT_TRUE(has(run(check_split_horizon).evidence, "inside 192.0.2.2, outside 192.0.2.77"));
}

TEST_F(DoctorDns, D14_finds_wildcards) {
    EXPECT_TRUE(passes(check_wildcards));
    const std::string label = fmt::format("siding-{:x}", facts_.now.time_since_epoch().count());
    dns_.add(test::dns_address(label + ".example.com", "192.0.2.60"));
    EXPECT_TRUE(passes(check_wildcards));  // harmless
    host("mx.example.com", "192.0.2.60").is_hold = true;
    EXPECT_TRUE(has(run(check_wildcards).evidence, "mx.example.com has its address"));
    facts_.hosts.pop_back();
    EXPECT_TRUE(passes(check_wildcards));
    dns_.add(test::dns_tlsa(
        "_25._tcp." + label + ".example.com", std::string("\3\1\1") + std::string(32, 'x')
    ));
    EXPECT_TRUE(has(run(check_wildcards).evidence, "*.example.com has TLSA"));
}

TEST_F(DoctorDns, D16_finds_forgotten_domains) {
    EXPECT_EQ(run(check_other_domains).status, CheckStatus::not_checked);
    const net::TemporaryDirectory directory;
    const std::string file = directory / "recipients";
    std::ofstream{file} << "# people@ignored.example\nann@example.com\nbob@second.example OK\n";
    options_.recipients = file;
    auto config = std::make_shared<config::Config>();
    config->domains.emplace(Domain::parse("example.com").value(), config::DomainSettings{});
    facts_.config = config;
    EXPECT_TRUE(passes(check_other_domains));
    dns_.add(test::dns_mx("second.example", 10, "mx.old.example"));
    EXPECT_TRUE(has(run(check_other_domains).evidence, "second.example has MX mx.old.example"));
}

TEST(DoctorZoneText, is_a_zone_file) {
    EXPECT_EQ(
        zone_line("example.com", std::chrono::seconds{60}, "MX", "10 a."),
        "example.com.  60  IN  MX  10 a."
    );
    EXPECT_EQ(zone_text("a\"b\\"), "\"a\\\"b\\\\\"");
    EXPECT_EQ(zone_text(std::string(256, 'x')), "\"" + std::string(255, 'x') + "\" \"x\"");
    EXPECT_EQ(zone_text(""), "\"\"");
}

}  // namespace
}  // namespace siding::cutover

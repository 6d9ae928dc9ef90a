// Facts of a domain for the doctor's checks: example.com at mx.old.example, on its way to
// hold.example; and a DNS server that says what a test wants.
#pragma once

#include "cutover/doctor_facts.hpp"
#include "cutover/recursive_lookup.hpp"
#include "tests/net/run_loop.hpp"
#include "tests/support/fake_dns.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace siding::cutover {

class DoctorTest : public testing::Test {
protected:
    DoctorTest() {
        facts_.domain = "example.com";
        facts_.mx_known = true;
        facts_.mx = {{10, "mx.old.example"}};
        facts_.old_hosts = {"mx.old.example"};
        facts_.new_hosts = {"hold.example"};
        host("mx.old.example", "192.0.2.1").is_mx = true;
        host("hold.example", "192.0.2.2").is_hold = true;
    }

    HostView& host(const std::string& name, const std::string& address = "") {
        const auto known = std::ranges::find(facts_.hosts, name, &HostView::name);
        if (known != facts_.hosts.end()) {
            return *known;
        }
        HostView view;
        view.name = name;
        if (!address.empty()) {
            const bool is_ipv6 = address.find(':') != std::string::npos;
            const auto family = is_ipv6 ? net::Family::ipv6 : net::Family::ipv4;
            view.addresses = {{family, address}};
            dns_.add(test::dns_address(name, address));
        }
        facts_.hosts.reserve(16);
        return facts_.hosts.emplace_back(std::move(view));
    }

    void add_text(const std::string& name, const std::string& text) {
        test::DnsRecord record{.owner = name, .type = 16};
        for (std::size_t at = 0; at < text.size(); at += 200) {
            const std::string piece = text.substr(at, 200);
            record.data += static_cast<char>(piece.size()) + piece;
        }
        dns_.add(std::move(record));
    }

    // A server of the zone that gives these MX records.
    dns::ServerView& server(
        const std::string& name, const std::vector<dns::Mx>& records, int ttl = 300
    ) {
        if (!facts_.view) {
            facts_.view.emplace();
            facts_.view->domain = facts_.view->zone = "example.com";
        }
        dns::ServerView view;
        view.name = name;
        view.address = dns_.address();
        view.in_parent = view.in_child = true;
        for (dns::Sample* const sample : {&view.mx, &view.mx_tcp, &view.soa, &view.ns}) {
            sample->kind = dns::Sample::Kind::answered;
            sample->response.authoritative = true;
            sample->question = {"example.com", dns::RecordType::mx};
        }
        for (const dns::Mx& mx : records) {
            view.mx.response.answers.push_back(record(dns::RecordType::mx, mx, ttl));
        }
        dns::Soa soa;
        soa.primary = "ns1.example";
        soa.mailbox = "hostmaster.example";
        soa.minimum = std::chrono::seconds{300};
        view.soa.response.answers.push_back(record(dns::RecordType::soa, soa, ttl));
        return facts_.view->servers.emplace_back(std::move(view));
    }

    static dns::ResourceRecord record(dns::RecordType type, dns::Rdata data, int ttl = 300) {
        return {
            "example.com",
            static_cast<std::uint16_t>(type),
            std::chrono::seconds{ttl},
            std::move(data)};
    }

    CheckOutcome run(Check::Function check) {
        CheckOutcome outcome;
        loop_.run(store(check, facts_, outcome));
        const bool is_ok = outcome.status == CheckStatus::ok;
        EXPECT_EQ(outcome.evidence.empty(), outcome.status == CheckStatus::not_checked);
        EXPECT_EQ(outcome.status == CheckStatus::failed, !outcome.breaks.empty());
        EXPECT_TRUE(is_ok || !outcome.fix.empty() || !outcome.why_not.empty());
        return outcome;
    }

    bool passes(Check::Function check) { return run(check).status == CheckStatus::ok; }
    bool fails(Check::Function check) { return run(check).status == CheckStatus::failed; }

    static net::awaitable<void> store(
        Check::Function check, const DoctorFacts& facts, CheckOutcome& outcome
    ) {
        outcome = co_await check(facts);
    }

    net::RunLoop loop_;
    ManualClock clock_{parse_time("2026-11-21T12:00:00Z").value()};
    test::FakeDns dns_{loop_.executor()};
    dns::Prober prober_{loop_.executor(), clock_};
    dns::Resolver resolver_{loop_.executor()};
    dns::Authority authority_{prober_, resolver_, dns::Roots{}};
    RecursiveLookup lookup_{prober_, {dns_.address()}, loop_.executor()};
    DoctorOptions options_;
    DoctorFacts facts_{options_, clock_, prober_, authority_, lookup_, loop_.executor()};
};

inline bool has(const std::string& text, std::string_view words) {
    return text.find(words) != std::string::npos;
}

}  // namespace siding::cutover

#include "cutover/dns_metrics.hpp"

#include <gtest/gtest.h>

#include <string>

namespace siding::cutover {
namespace {

DomainDnsReport report(dns::Verdict verdict) {
    DomainDnsReport report;
    report.domain = "example.com";
    report.judgement.verdict = verdict;
    report.panel.emplace();
    for (const dns::SampleState state :
         {dns::SampleState::is_new, dns::SampleState::is_new, dns::SampleState::timed_out}) {
        report.panel->operators.emplace_back().state = state;
    }
    return report;
}

bool says(const Metrics& metrics, const std::string& line) {
    return metrics.text().find(line + "\n") != std::string::npos;
}

TEST(DnsMetrics, FollowTheReports) {
    Metrics metrics;
    DnsMetrics told{metrics};
    DomainDnsReport first = report(dns::Verdict::published);
    first.judgement.mx = {WallTime{std::chrono::seconds{1795874850}}, "because"};
    first.coverage.share = 0.5;
    first.stragglers.count = 3;
    told.update(nullptr, first);
    EXPECT_TRUE(says(metrics, R"(siding_dns_verdict{domain="example.com"} 1)"));
    EXPECT_TRUE(
        says(metrics, R"(siding_dns_deadline_timestamp_seconds{domain="example.com"} 1795874850)")
    );
    EXPECT_TRUE(says(metrics, R"(siding_dns_operators{domain="example.com",state="new"} 2)"));
    EXPECT_TRUE(says(metrics, R"(siding_dns_operators{domain="example.com",state="timeout"} 1)"));
    EXPECT_TRUE(says(metrics, R"(siding_dns_coverage_ratio{domain="example.com"} 0.5)"));
    EXPECT_TRUE(says(metrics, R"(siding_dns_stragglers_total{domain="example.com"} 3)"));

    DomainDnsReport second = report(dns::Verdict::quiet);
    second.panel->operators.resize(1);
    second.stragglers.count = 2;  // some are too old to count: a counter never falls
    told.update(&first, second);
    EXPECT_TRUE(says(metrics, R"(siding_dns_verdict{domain="example.com"} 4)"));
    EXPECT_TRUE(says(metrics, R"(siding_dns_operators{domain="example.com",state="timeout"} 0)"));
    EXPECT_TRUE(says(metrics, R"(siding_dns_stragglers_total{domain="example.com"} 3)"));
    told.forget("example.com");
    EXPECT_TRUE(says(metrics, R"(siding_dns_verdict{domain="example.com"} 0)"));
    EXPECT_TRUE(says(metrics, R"(siding_dns_operators{domain="example.com",state="new"} 0)"));
}

TEST(DnsMetrics, AnUnplannedChangeIsCountedOnce) {
    Metrics metrics;
    DnsMetrics told{metrics};
    DomainDnsReport calm = report(dns::Verdict::none);
    told.update(nullptr, calm);
    EXPECT_TRUE(says(metrics, R"(siding_dns_unplanned_changes_total{domain="example.com"} 0)"));
    DomainDnsReport changed = calm;
    changed.judgement.unplanned = true;
    changed.judgement.unplanned_text = "ns1 serves evil.example";
    told.update(&calm, changed);
    told.update(&changed, changed);
    EXPECT_TRUE(says(metrics, R"(siding_dns_unplanned_changes_total{domain="example.com"} 1)"));
}

}  // namespace
}  // namespace siding::cutover

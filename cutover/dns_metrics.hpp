// What the watch over MX records tells Prometheus and the log, report by report.
#pragma once

#include "base/metrics.hpp"
#include "cutover/dns_report.hpp"

#include <cstdint>
#include <map>
#include <string>

namespace siding::cutover {

class DnsMetrics {
public:
    explicit DnsMetrics(Metrics& metrics) : metrics_{metrics} {}

    // `before` is null for the first report of a domain.
    void update(const DomainDnsReport* before, const DomainDnsReport& now);
    // The domain is no longer watched: its gauges go to zero.
    void forget(const std::string& domain);

private:
    void count_servers(const DomainDnsReport& now);
    void count_operators(const DomainDnsReport& now);
    void set_states(
        const std::string& name,
        const std::string& help,
        const std::string& domain,
        const std::map<std::string, std::size_t>& counts
    );

    Metrics& metrics_;
    std::map<std::string, std::uint64_t> stragglers_;  // told so far, by domain
    std::map<std::pair<std::string, std::string>, std::map<std::string, std::size_t>> told_;
};

// Lines for what has changed: verdict, unplanned changes, servers that are wrong, failed looks.
void log_changes(const DomainDnsReport* before, const DomainDnsReport& now);

}  // namespace siding::cutover

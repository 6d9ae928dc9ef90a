#include "cutover/dns_metrics.hpp"

#include "base/log.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace siding::cutover {
namespace {

const Logger log{"dns"};

double timestamp(const std::optional<dns::Deadline>& deadline) {
    return deadline ? static_cast<double>(deadline->at.time_since_epoch().count()) / 1000 : 0;
}

bool is_new_change(const DomainDnsReport* before, const DomainDnsReport& now) {
    return now.judgement.unplanned &&
           (before == nullptr || before->judgement.unplanned_text != now.judgement.unplanned_text);
}

bool had_problem(const DomainDnsReport* before, const dns::AuthorityProblem& problem) {
    if (before == nullptr || !before->authority) {
        return false;
    }
    return std::ranges::any_of(
        before->authority->problems,
        [&](const dns::AuthorityProblem& other) {
            return other.kind == problem.kind && other.server == problem.server;
        }
    );
}

void log_problems(const DomainDnsReport* before, const DomainDnsReport& now) {
    if (!now.authority) {
        return;
    }
    for (const dns::AuthorityProblem& problem : now.authority->problems) {
        if (!had_problem(before, problem)) {
            log.warn(
                "dns_problem",
                {{"domain", now.domain},
                 {"kind", dns::format_kind(problem.kind)},
                 {"server", problem.server},
                 {"text", problem.text}}
            );
        }
    }
    for (const auto& problem : before != nullptr && before->authority
                                   ? before->authority->problems
                                   : std::vector<dns::AuthorityProblem>{}) {
        if (!had_problem(&now, problem)) {
            log.info(
                "dns_problem_over",
                {{"domain", now.domain},
                 {"kind", dns::format_kind(problem.kind)},
                 {"server", problem.server}}
            );
        }
    }
}

// A host that has changed its address since then, or has so before the first report.
void log_addresses(const DomainDnsReport* before, const DomainDnsReport& now) {
    for (const dns::HostAddresses& host : now.hosts) {
        if (!host.old_until || host.old_until->at < now.watched_at.value_or(WallTime{})) {
            continue;
        }
        const bool is_told =
            before != nullptr && std::ranges::any_of(before->hosts, [&](const auto& other) {
                return other.host == host.host && other.addresses == host.addresses &&
                       other.gone == host.gone;
            });
        if (!is_told) {
            log.info(
                "dns_address_changed",
                {{"domain", now.domain},
                 {"host", host.host},
                 {"addresses", fmt::format("{}", fmt::join(host.addresses, ", "))},
                 {"before", fmt::format("{}", fmt::join(host.gone, ", "))},
                 {"until", format_time(host.old_until->at)},
                 {"why", host.old_until->why}}
            );
        }
    }
}

}  // namespace

void log_changes(const DomainDnsReport* before, const DomainDnsReport& now) {
    const std::string error = before == nullptr ? std::string{} : before->error;
    if (now.error.empty() != error.empty()) {
        if (now.error.empty()) {
            log.info("dns_look_again", {{"domain", now.domain}});
        } else {
            log.warn("dns_look_failed", {{"domain", now.domain}, {"reason", now.error}});
        }
    }
    log_problems(before, now);
    log_addresses(before, now);
    if (is_new_change(before, now)) {
        log.warn(
            "dns_unplanned_change", {{"domain", now.domain}, {"text", now.judgement.unplanned_text}}
        );
    }
    if (before == nullptr || before->judgement.verdict != now.judgement.verdict) {
        log.info(
            "dns_verdict",
            {{"domain", now.domain},
             {"verdict", dns::format_verdict(now.judgement.verdict)},
             {"before",
              before == nullptr ? std::string_view{"unknown"}
                                : dns::format_verdict(before->judgement.verdict)},
             {"reason", now.judgement.reason}}
        );
    }
}

void DnsMetrics::update(const DomainDnsReport* before, const DomainDnsReport& now) {
    const Labels labels{{"domain", now.domain}};
    metrics_
        .gauge(
            "siding_dns_verdict",
            "How far the world has switched: 0 none, 1 published, 2 converged, 3 proven, 4 quiet",
            labels
        )
        .set(static_cast<double>(now.judgement.verdict));
    metrics_
        .gauge(
            "siding_dns_deadline_timestamp_seconds",
            "When no honest resolver can serve the old MX any more; 0 if that is not known",
            labels
        )
        .set(timestamp(now.judgement.mx));
    metrics_
        .gauge(
            "siding_dns_coverage_ratio",
            "Share of the usual mail whose senders have come to Siding since the switch",
            labels
        )
        .set(now.coverage.share);
    const Counter stragglers = metrics_.counter(
        "siding_dns_stragglers_total", "Mail seen at the old server after the switch", labels
    );
    std::uint64_t& told = stragglers_[now.domain];
    if (now.stragglers.count > told) {
        stragglers.add(static_cast<double>(now.stragglers.count - told));
    }
    told = now.stragglers.count;
    const Counter unplanned = metrics_.counter(
        "siding_dns_unplanned_changes_total", "MX changes that nobody has planned", labels
    );
    if (is_new_change(before, now)) {
        unplanned.add();
    }
    count_servers(now);
    count_operators(now);
}

void DnsMetrics::count_servers(const DomainDnsReport& now) {
    std::map<std::string, std::size_t> counts;
    if (now.authority) {
        for (const dns::ServerView& server : now.authority->servers) {
            ++counts[server_state(now, server)];
        }
    }
    set_states(
        "siding_dns_servers",
        "Addresses of authoritative servers, by what they serve",
        now.domain,
        counts
    );
}

void DnsMetrics::count_operators(const DomainDnsReport& now) {
    std::map<std::string, std::size_t> counts;
    if (now.panel) {
        for (const dns::OperatorView& view : now.panel->operators) {
            ++counts[std::string{dns::format_state(view.state)}];
        }
    }
    set_states(
        "siding_dns_operators", "Operators of the panel, by what they serve", now.domain, counts
    );
}

void DnsMetrics::set_states(
    const std::string& name,
    const std::string& help,
    const std::string& domain,
    const std::map<std::string, std::size_t>& counts
) {
    // What was told before and is no more goes to zero.
    std::map<std::string, std::size_t>& told = told_[{name, domain}];
    for (auto& [state, count] : told) {
        count = 0;
    }
    for (const auto& [state, count] : counts) {
        told[state] = count;
    }
    for (const auto& [state, count] : told) {
        metrics_.gauge(
                    name, help, {{"domain", domain}, {"state", state}}
        ).set(static_cast<double>(count));
    }
}

void DnsMetrics::forget(const std::string& domain) {
    DomainDnsReport nothing;
    nothing.domain = domain;
    update(&nothing, nothing);
}

}  // namespace siding::cutover

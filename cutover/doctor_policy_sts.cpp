// MTA-STS: who may take mail for the domain, as senders with a cached policy see it.
#include "cutover/doctor_dns.hpp"
#include "cutover/doctor_hosts.hpp"
#include "cutover/doctor_policy.hpp"
#include "cutover/sts_policy.hpp"
#include "dns/deadline.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <set>

namespace siding::cutover {
namespace {

net::awaitable<Result<StsView>> look(const DoctorFacts& facts) {
    StsFetchOptions options;
    options.port = facts.options.https_port;
    options.ca_file = facts.options.ca_file;
    auto view = co_await look_at_sts(facts.lookup, facts.domain, std::move(options));
    co_return view;
}

// Hosts that take mail for the domain at some time of the move, in its order.
struct Hosts {
    std::vector<std::string> soon{};   // served, old, hold
    std::vector<std::string> later{};  // new
};

Hosts hosts_of(const DoctorFacts& facts) {
    Hosts hosts;
    std::set<std::string> known;
    const auto add = [&known](const std::string& name, std::vector<std::string>& to) {
        if (!net::HostPort{name, 25}.is_literal() && known.insert(name).second) {
            to.push_back(name);
        }
    };
    for (const auto& names : {served_hosts(facts), facts.old_hosts, facts.new_hosts}) {
        for (const std::string& name : names) {
            add(name, hosts.soon);
        }
    }
    for (const HostView* const host : facts.server("new")) {
        add(host->name, hosts.later);
    }
    return hosts;
}

std::vector<std::string> missing_in(
    const dns::StsPolicy& policy, const std::vector<std::string>& hosts
) {
    std::vector<std::string> missing;
    std::ranges::copy_if(hosts, std::back_inserter(missing), [&](const std::string& host) {
        return !policy.allows(host);
    });
    return missing;
}

// "20261121140730": a new id is a later time.
std::string make_id(WallTime now) {
    std::string digits;
    for (const char c : format_time(now).substr(0, 19)) {
        if (c >= '0' && c <= '9') {
            digits += c;
        }
    }
    return digits;
}

std::string policy_fix(
    const DoctorFacts& facts, dns::StsPolicy policy, const std::vector<std::string>& missing
) {
    policy.mx.insert(policy.mx.end(), missing.begin(), missing.end());
    return fmt::format(
        "At https://{}{}{}:\n{}Then, as the last step:\n{}\n"
        "Senders may go on with the old policy for {}: switch MX after that, or set the mode to "
        "testing now and wait as long.",
        dns::sts_host_label,
        facts.domain,
        dns::sts_path,
        dns::format_sts_policy(policy),
        zone_line(
            std::string{dns::sts_label} + facts.domain,
            usual_ttl(facts),
            "TXT",
            zone_text("v=STSv1; id=" + make_id(facts.now) + ";")
        ),
        dns::show_duration(policy.max_age)
    );
}

std::string describe(const StsView& view) {
    return fmt::format(
        "id {}, mode {}, mx {}, max_age {}",
        view.id.empty() ? "-" : view.id,
        dns::format_sts_mode(view.policy->mode),
        join(view.policy->mx, " "),
        view.policy->max_age.count()
    );
}

std::string record_fix(const DoctorFacts& facts) {
    return zone_line(
               std::string{dns::sts_label} + facts.domain,
               usual_ttl(facts),
               "TXT",
               zone_text("v=STSv1; id=" + make_id(facts.now) + ";")
           ) +
           "   ; and no other TXT record that starts with v=STSv1";
}

bool is_at_old_server(const DoctorFacts& facts, const StsView& view) {
    return std::ranges::any_of(facts.hosts, [&](const HostView& host) {
        const bool is_old = host.server == "old" || (host.is_old_mx && !host.is_hold);
        return is_old && std::ranges::any_of(host.addresses, [&](const dns::Address& address) {
                   return std::ranges::find(view.addresses, address.text) != view.addresses.end();
               });
    });
}

}  // namespace

net::awaitable<CheckOutcome> check_sts_policy(const DoctorFacts& facts) {
    const auto looked = co_await look(facts);
    if (looked.has_error()) {
        co_return hindered(looked.error().message());
    }
    const StsView& view = *looked;
    if (!view.is_announced()) {
        co_return passed("the domain has no MTA-STS policy");
    }
    if (!view.record_problem.empty()) {
        co_return failed_as(
            Severity::warning,
            as_list(view.records) + "\n" + view.record_problem,
            "Senders take it as if there were no policy, and those that hold one never learn of a "
            "change.",
            record_fix(facts)
        );
    }
    if (!view.policy) {
        co_return hindered("there is no policy to look at (P02): " + view.page_problem);
    }
    if (view.policy->mode == dns::StsPolicy::Mode::none) {
        co_return passed(describe(view));
    }
    const Hosts hosts = hosts_of(facts);
    auto missing = missing_in(*view.policy, hosts.soon);
    const auto missing_later = missing_in(*view.policy, hosts.later);
    if (missing.empty() && missing_later.empty()) {
        co_return passed(describe(view));
    }
    const bool is_enforced = view.policy->mode == dns::StsPolicy::Mode::enforce;
    const bool is_severe = !missing.empty() && is_enforced;
    missing.insert(missing.end(), missing_later.begin(), missing_later.end());
    co_return failed_as(
        is_severe ? Severity::critical : Severity::warning,
        describe(view) + "; not in it: " + join(missing, ", "),
        is_enforced
            ? "Google, Microsoft and others that keep this policy deliver to no host that is not "
              "in "
              "it: their mail waits and bounces after a day or more, without a trace at our side."
            : "In mode testing mail arrives all the same, but each report says that it failed.",
        policy_fix(facts, *view.policy, missing)
    );
}

net::awaitable<CheckOutcome> check_sts_host(const DoctorFacts& facts) {
    const auto looked = co_await look(facts);
    if (looked.has_error()) {
        co_return hindered(looked.error().message());
    }
    const StsView& view = *looked;
    const std::string host = std::string{dns::sts_host_label} + facts.domain;
    if (!view.is_announced()) {
        co_return passed("the domain has no MTA-STS policy");
    }
    if (!view.policy) {
        co_return failed(
            view.page_problem,
            "Senders that know a policy keep the old one until it runs out, and refuse hosts that "
            "are not in it; nobody learns of a change.",
            fmt::format(
                "Look at it with\ncurl -v https://{}{}\n"
                "It must answer 200 with Content-Type text/plain, without a redirection, with a "
                "certificate of a public authority for {}.",
                host,
                dns::sts_path,
                host
            )
        );
    }
    if (!view.page_problem.empty()) {
        co_return failed_as(
            Severity::warning,
            view.page_problem,
            "Some senders pass over a policy of another type.",
            "nginx:\nlocation = " + std::string{dns::sts_path} + " { default_type text/plain; }"
        );
    }
    if (is_at_old_server(facts, view)) {
        co_return failed_as(
            Severity::warning,
            host + " is " + join(view.addresses, ", ") + ", the old server itself",
            "When the old server is switched off the policy goes with it, and senders are left "
            "with "
            "the one that they hold.",
            "Move the policy to a host that stays:\n" +
                zone_line(host, usual_ttl(facts), "A", "192.0.2.1") +
                "   ; with that host's own address"
        );
    }
    co_return passed(host + " " + join(view.addresses, ", ") + " gives the policy");
}

}  // namespace siding::cutover

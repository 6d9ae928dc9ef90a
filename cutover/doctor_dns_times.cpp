// How long others remember what the zone says.
#include "cutover/doctor_dns.hpp"
#include "cutover/doctor_hosts.hpp"
#include "dns/deadline.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace siding::cutover {
namespace {

using std::chrono::seconds;

constexpr seconds ttl_to_plan{3600};   // more makes for a long switch
constexpr seconds ttl_to_switch{600};  // just before it
constexpr seconds address_ttl_max{86400};
constexpr seconds negative_ttl_max{3600};
constexpr seconds ttl_low{300};

// The largest TTL that any server gives to the MX records.
seconds largest_ttl(const dns::AuthorityView& view) {
    seconds largest{0};
    for (const dns::ServerView& server : view.servers) {
        if (server.is_heard() && !view.mx_of(server).empty()) {
            largest = std::max(largest, view.mx_of(server).ttl);
        }
    }
    return largest;
}

std::string lowered_lines(const DoctorFacts& facts) {
    std::string text;
    for (const dns::Mx& record : facts.mx) {
        text +=
            zone_line(
                facts.domain, ttl_low, "MX", fmt::format("{} {}.", record.preference, record.host)
            ) +
            "\n";
    }
    return text;
}

}  // namespace

net::awaitable<CheckOutcome> check_mx_ttl(const DoctorFacts& facts) {
    if (!facts.view) {
        co_return hindered(facts.no_view);
    }
    const seconds ttl = largest_ttl(*facts.view);
    if (ttl == seconds{0} && facts.mx.empty()) {
        co_return without_mx(facts);
    }
    const std::string evidence = fmt::format(
        "MX of {} has TTL {}: who asks now may keep the answer until {} UTC",
        facts.domain,
        ttl.count(),
        dns::show_utc(facts.now + ttl)
    );
    if (facts.is_switched()) {
        co_return passed(evidence);
    }
    const bool is_near = facts.options.phase == DoctorPhase::pre_switch;
    if (ttl <= (is_near ? ttl_to_switch : ttl_to_plan)) {
        co_return passed(evidence);
    }
    const auto switch_at = facts.settings != nullptr ? facts.settings->mx.switch_at : std::nullopt;
    const bool is_too_late = switch_at && *switch_at > facts.now && facts.now + ttl > *switch_at;
    co_return failed_as(
        is_too_late ? Severity::critical : Severity::warning,
        evidence + (is_too_late ? fmt::format(
                                      "; the switch is planned for {} UTC, before that",
                                      dns::show_utc(*switch_at)
                                  )
                                : ""),
        fmt::format(
            "After the switch senders go on to the old server for up to {}.",
            dns::show_duration(ttl)
        ),
        fmt::format(
            "{}Publish this now, and switch {} later, not before {} UTC.",
            lowered_lines(facts),
            dns::show_duration(ttl),
            dns::show_utc(facts.now + ttl)
        )
    );
}

net::awaitable<CheckOutcome> check_other_ttls(const DoctorFacts& facts) {
    std::vector<std::string> lines;
    std::vector<std::string> long_ones;
    for (const HostView& host : facts.hosts) {
        if (!host.address_ttl || !(host.is_mx || host.is_hold)) {
            continue;
        }
        lines.push_back(fmt::format("addresses of {}: TTL {}", host.name, host.address_ttl->count())
        );
        if (host.is_hold && *host.address_ttl > address_ttl_max) {
            long_ones.push_back(host.name);
        }
    }
    if (facts.view) {
        lines.push_back(fmt::format(
            "NS of {}: TTL {} at the parent, {} in the zone",
            facts.view->zone,
            facts.view->delegation.ttl.count(),
            facts.view->child_ns_ttl.count()
        ));
    }
    if (lines.empty()) {
        co_return hindered("no address of any MX host is known");
    }
    if (long_ones.empty()) {
        co_return passed(as_list(lines));
    }
    std::string fix;
    for (const std::string& name : long_ones) {
        for (const dns::Address& address : facts.host(name)->addresses) {
            const bool is_ipv4 = address.family == net::Family::ipv4;
            fix += zone_line(name, ttl_low, is_ipv4 ? "A" : "AAAA", address.text) + "\n";
        }
    }
    co_return failed(
        as_list(lines),
        "Should the address of the hold host have to change, senders would keep the old one for "
        "more than a day.",
        fix
    );
}

net::awaitable<CheckOutcome> check_negative_ttl(const DoctorFacts& facts) {
    if (!facts.view) {
        co_return hindered(facts.no_view);
    }
    const dns::Soa* soa = nullptr;
    seconds soa_ttl{0};
    for (const dns::ServerView& server : facts.view->servers) {
        for (const dns::ResourceRecord& record : server.soa.response.answers) {
            const dns::Soa* const found = record.as<dns::Soa>();
            if (found != nullptr && (soa == nullptr || found->minimum > soa->minimum)) {
                soa = found;
                soa_ttl = record.ttl;
            }
        }
    }
    if (soa == nullptr) {
        co_return hindered("no server has given the SOA record of " + facts.view->zone);
    }
    const seconds minimum = soa->minimum;
    const std::string evidence = fmt::format(
        "SOA of {}: minimum {}, TTL {}", facts.view->zone, minimum.count(), soa_ttl.count()
    );
    if (minimum <= negative_ttl_max) {
        co_return passed(evidence);
    }
    co_return failed(
        evidence,
        fmt::format(
            "Who asks for a name before it is there (the hold host, a DKIM selector, TLSA, "
            "_mta-sts) remembers for up to {} that it does not exist.",
            dns::show_duration(std::min(minimum, std::max(soa_ttl, negative_ttl_max)))
        ),
        zone_line(
            facts.view->zone,
            negative_ttl_max,
            "SOA",
            fmt::format(
                "{}. {}. {} {} {} {} 300",
                soa->primary,
                soa->mailbox,
                soa->serial + 1,
                soa->refresh.count(),
                soa->retry.count(),
                soa->expire.count()
            )
        ) + "\nCreate new names first, and ask for them afterwards."
    );
}

}  // namespace siding::cutover

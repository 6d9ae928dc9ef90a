// The names that the MX records point to: that they are names, lead to addresses and are reached.
#include "cutover/doctor_dns.hpp"
#include "cutover/doctor_hosts.hpp"
#include "cutover/recursive_lookup.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace siding::cutover {
namespace {

// Names in MX records now, and those that are to be.
std::vector<std::string> hosts_in_question(const DoctorFacts& facts) {
    auto hosts = served_hosts(facts);
    for (const std::string& host : facts.new_hosts) {
        if (std::ranges::find(hosts, host) == hosts.end()) {
            hosts.push_back(host);
        }
    }
    return hosts;
}

bool is_literal(const std::string& host) {
    return net::HostPort{host, 25}.is_literal();
}

struct Findings {
    std::vector<std::string> evidence{};
    std::vector<std::string> fixes{};
    std::vector<std::string> unknown{};  // nobody answered
};

// An address instead of a name, or an alias.
bool is_wrong_kind(const DoctorFacts& facts, const std::string& name, Findings& findings) {
    const HostView* const host = facts.host(name);
    if (is_literal(name)) {
        findings.evidence.push_back(name + " is an address; MX takes names alone");
        findings.fixes.push_back(
            zone_line("mx." + facts.domain, usual_ttl(facts), "A", name) + "\n" +
            zone_line(facts.domain, usual_ttl(facts), "MX", "10 mx." + facts.domain + ".")
        );
    } else if (host != nullptr && !host->alias_of.empty()) {
        findings.evidence.push_back(fmt::format("{} is an alias of {}", name, host->alias_of));
        findings.fixes.push_back(
            zone_line(facts.domain, usual_ttl(facts), "MX", "10 " + host->alias_of + ".") +
            "   ; instead of " + name
        );
    } else {
        return false;
    }
    return true;
}

// Whether DNS itself says that there is no address; an error when it says nothing.
net::awaitable<Result<bool>> has_address(const DoctorFacts& facts, std::string name) {
    const HostView* const host = facts.host(name);
    if (host != nullptr && !host->addresses.empty()) {
        co_return true;
    }
    for (const auto type : {dns::RecordType::a, dns::RecordType::aaaa}) {
        auto found = co_await facts.lookup.records(name, type);
        SIDING_CO_ASSIGN(const auto records, std::move(found));
        if (!records.empty()) {
            co_return true;
        }
    }
    co_return false;
}

std::string addresses_of(const DoctorFacts& facts, const std::string& name) {
    const HostView* const host = facts.host(name);
    std::vector<std::string> texts;
    for (const dns::Address& address :
         host != nullptr ? host->addresses : std::vector<dns::Address>{}) {
        texts.push_back(address.text);
    }
    return fmt::format("{} [{}]", name, join(texts, ", "));
}

// The zone at the end twice, or behind a whole name: a dot was forgotten, or a panel adds the zone.
std::string name_meant(std::string_view name, std::string_view zone) {
    const std::string suffix = "." + std::string{zone};
    if (zone.empty() || !name.ends_with(suffix)) {
        return {};
    }
    return std::string{name.substr(0, name.size() - suffix.size())};
}

}  // namespace

net::awaitable<CheckOutcome> check_mx_hosts(const DoctorFacts& facts) {
    if (!facts.mx_known) {
        co_return without_mx(facts);
    }
    Findings findings;
    std::vector<std::string> good;
    for (const std::string& name : hosts_in_question(facts)) {
        if (is_wrong_kind(facts, name, findings)) {
            continue;
        }
        const auto found = co_await has_address(facts, name);
        if (found.has_error()) {
            findings.unknown.push_back(found.error().message());
        } else if (!*found) {
            findings.evidence.push_back(name + " has no address");
            findings.fixes.push_back(
                zone_line(name, usual_ttl(facts), "A", "192.0.2.1") +
                "   ; with the server's own address, or take " + name + " out of MX"
            );
        }
        good.push_back(addresses_of(facts, name));
    }
    if (!findings.evidence.empty()) {
        co_return failed(
            as_list(findings.evidence),
            "Senders refuse or pass over such an MX (RFC 5321 §5.1, RFC 2181 §10.3): some bounce, "
            "some wait, some take another host.",
            join(findings.fixes, "\n")
        );
    }
    if (!findings.unknown.empty()) {
        co_return hindered(as_list(findings.unknown));
    }
    co_return passed(as_list(good));
}

net::awaitable<CheckOutcome> check_mx_ipv6(const DoctorFacts& facts) {
    if (!facts.mx_known) {
        co_return without_mx(facts);
    }
    std::vector<std::string> bad;
    std::vector<std::string> good;
    std::vector<std::string> unseen;
    for (const std::string& name : hosts_in_question(facts)) {
        const HostView* const host = facts.host(name);
        for (const SmtpView& session : host != nullptr ? host->sessions : std::vector<SmtpView>{}) {
            if (session.address.family != net::Family::ipv6) {
                continue;
            }
            const std::string text = name_of(*host, session);
            if (session.has_answered()) {
                good.push_back(text);
            } else if (session.reach == SmtpView::Reach::no_route) {
                unseen.push_back(text);
            } else {
                bad.push_back(text + ": " + session.problem);
            }
        }
    }
    if (!bad.empty()) {
        co_return failed(
            as_list(bad),
            "Senders with IPv6 try it first: each message waits for a timeout, and some senders "
            "never go on to IPv4.",
            "Delete the AAAA record until the server takes mail on IPv6, or open port 25 there "
            "(the "
            "listener, ip6tables or nft, the provider's filter):\n"
            "nc -6 -vz HOST 25"
        );
    }
    if (!unseen.empty()) {
        co_return not_checked(
            "this machine has no way to IPv6 networks, so nobody was asked at " + join(unseen, ", ")
        );
    }
    co_return passed(good.empty() ? "no MX host has an IPv6 address" : as_list(good));
}

net::awaitable<CheckOutcome> check_double_suffix(const DoctorFacts& facts) {
    if (!facts.mx_known) {
        co_return without_mx(facts);
    }
    const std::string zone = facts.view ? facts.view->zone : facts.domain;
    std::vector<std::string> bad;
    std::vector<std::string> fixes;
    for (const std::string& name : hosts_in_question(facts)) {
        const std::string meant = name_meant(name, zone);
        bool is_double = meant == zone || !name_meant(meant, zone).empty();
        const HostView* const host = facts.host(name);
        const bool leads_nowhere = host != nullptr && host->addresses.empty();
        if (!is_double && leads_nowhere && meant.find('.') != std::string::npos) {
            const auto found = co_await facts.lookup.records(meant, dns::RecordType::a);
            is_double = found.has_value() && !found->empty();
        }
        if (is_double) {
            bad.push_back(fmt::format("{}: most likely {} was meant", name, meant));
            fixes.push_back(
                zone_line(facts.domain, usual_ttl(facts), "MX", "10 " + meant + ".") +
                "   ; the last dot counts; in a panel try without the domain"
            );
        }
    }
    if (bad.empty()) {
        co_return passed(describe_mx(facts.mx));
    }
    co_return failed(
        as_list(bad),
        "The name does not exist, so mail for this MX goes nowhere.",
        join(fixes, "\n")
    );
}

}  // namespace siding::cutover

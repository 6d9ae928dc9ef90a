#include "cutover/doctor_dns.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace siding::cutover {

void add_dns_checks(Checks& checks) {
    using enum DoctorPhase;
    using enum Severity;
    const std::vector<DoctorPhase> before{prep, pre_switch};
    checks.add(
        "D01",
        "delegation and zone agree, and each server serves the zone",
        critical,
        {},
        check_delegation
    );
    checks.add(
        "D02", "all servers give the same MX records with the same TTL", critical, {}, check_same_mx
    );
    checks.add("D03", "MX points to names that have addresses", critical, {}, check_mx_hosts);
    checks.add("D04", "there is no null MX", critical, {}, check_null_mx);
    checks.add("D05", "MX points to nobody who is not meant", critical, {}, check_leftover_mx);
    checks.add("D06", "the domain has an MX", critical, {}, check_has_mx);
    checks.add("D07", "what has an IPv6 address takes mail there", warning, {}, check_mx_ipv6);
    checks.add("D08", "no name is written with its zone twice", warning, {}, check_double_suffix);
    checks.add(
        "D09", "the TTL of the MX records is short enough to move", critical, before, check_mx_ttl
    );
    checks.add(
        "D10", "the TTLs around the MX records are known", warning, before, check_other_ttls
    );
    checks.add(
        "D11", "that a name does not exist is soon forgotten", warning, before, check_negative_ttl
    );
    checks.add("D12", "DNSSEC is whole", critical, {}, check_dnssec);
    checks.add(
        "D13",
        "inside, the domain has the same MX as outside",
        warning,
        {prep, pre_switch, hold, post},
        check_split_horizon
    );
    checks.add("D14", "no wildcard answers for the MX hosts", warning, before, check_wildcards);
    checks.add_by_hand(
        "D15", "the domain will not expire during the move", info, {prep}, check_registration
    );
    checks.add(
        "D16", "no domain of the old server was forgotten", warning, before, check_other_domains
    );
}

std::string zone_line(
    std::string_view owner, std::chrono::seconds ttl, std::string_view type, std::string_view data
) {
    return fmt::format("{}.  {}  IN  {}  {}", owner, ttl.count(), type, data);
}

std::string zone_text(std::string_view text) {
    constexpr std::size_t string_octets_max = 255;  // RFC 1035 §3.3
    std::string out;
    do {
        out += out.empty() ? "\"" : " \"";
        for (const char c : text.substr(0, string_octets_max)) {
            out += c == '"' || c == '\\' ? "\\" : "";
            out += c;
        }
        out += '"';
        text.remove_prefix(std::min(text.size(), string_octets_max));
    } while (!text.empty());
    return out;
}

std::string join(const std::vector<std::string>& items, std::string_view separator) {
    std::string text;
    for (const std::string& item : items) {
        text += text.empty() ? "" : separator;
        text += item;
    }
    return text;
}

std::vector<std::string> served_hosts(const DoctorFacts& facts) {
    std::vector<std::string> hosts;
    for (const dns::Mx& record : facts.mx) {
        if (!record.host.empty() && std::ranges::find(hosts, record.host) == hosts.end()) {
            hosts.push_back(record.host);
        }
    }
    return hosts;
}

std::string describe_mx(const std::vector<dns::Mx>& records) {
    std::vector<std::string> texts;
    for (const dns::Mx& record : records) {
        texts.push_back(
            fmt::format("{} {}", record.preference, record.host.empty() ? "." : record.host)
        );
    }
    return texts.empty() ? "no MX" : join(texts, ", ");
}

std::chrono::seconds usual_ttl(const DoctorFacts& facts) {
    const auto served = facts.view ? facts.view->mx() : std::nullopt;
    constexpr std::chrono::seconds otherwise{300};
    return served && !served->empty() ? std::min(served->ttl, otherwise) : otherwise;
}

CheckOutcome without_mx(const DoctorFacts& facts) {
    return hindered(
        "nobody has said what the MX records of " + facts.domain + " are" +
        (facts.no_view.empty() ? "" : ": " + facts.no_view)
    );
}

}  // namespace siding::cutover

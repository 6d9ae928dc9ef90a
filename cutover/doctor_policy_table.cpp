#include "cutover/doctor_policy.hpp"
#include "cutover/recursive_lookup.hpp"

#include <algorithm>

namespace siding::cutover {

void add_policy_checks(Checks& checks) {
    using enum DoctorPhase;
    using enum Severity;
    checks.add(
        "P01", "MTA-STS allows the old, the hold and the new host", critical, {}, check_sts_policy
    );
    checks.add("P02", "the MTA-STS policy can be fetched", critical, {}, check_sts_host);
    checks.add("P04", "TLSA records fit the certificates that are shown", critical, {}, check_dane);
    checks.add(
        "P05", "reports on TLS go to somebody who can read them", warning, {}, check_tls_reports
    );
    checks.add("P07", "SPF is right and knows the new server", warning, {}, check_spf);
    checks.add(
        "P08", "the DKIM keys are published", warning, {prep, pre_switch, release, post}, check_dkim
    );
    checks.add(
        "P09", "the DMARC record is right", warning, {prep, pre_switch, release, post}, check_dmarc
    );
    const std::vector<DoctorPhase> until_release{prep, pre_switch, hold, release};
    checks.add_by_hand(
        "P10",
        "the new server trusts us with others' mail",
        critical,
        until_release,
        check_destination_trust
    );
    checks.add_by_hand(
        "P11", "signatures survive the way through us", critical, {prep, release}, check_untouched
    );
    checks.add_by_hand(
        "P12",
        "no held signature runs out before the release",
        warning,
        {hold, release},
        check_dkim_expiry
    );
    checks.add_by_hand(
        "P13", "the destination knows who vouches", info, {prep, hold, release}, check_arc
    );
    checks.add_by_hand(
        "P14", "it is known how much mail has SPF alone", warning, {hold, release}, check_at_risk
    );
}

net::awaitable<Result<std::vector<std::string>>> texts_at(
    const DoctorFacts& facts, std::string name
) {
    auto asked = co_await facts.lookup.records(std::move(name), dns::RecordType::txt);
    SIDING_CO_ASSIGN(const auto records, std::move(asked));
    std::vector<std::string> texts;
    for (const dns::ResourceRecord& record : records) {
        if (const auto* const text = record.as<dns::Text>()) {
            texts.push_back(text->joined());
        }
    }
    std::ranges::sort(texts);
    co_return texts;
}

config::Profile new_profile(const DoctorFacts& facts) {
    if (facts.config == nullptr || !facts.config->servers.contains("new")) {
        return config::Profile::generic;
    }
    return facts.config->servers.at("new").profile;
}

std::vector<std::string> own_addresses(const DoctorFacts& facts) {
    std::vector<std::string> addresses;
    if (facts.config != nullptr && facts.config->servers.contains("new")) {
        addresses = facts.config->servers.at("new").source;
    }
    if (addresses.empty()) {
        for (const HostView& host : facts.hosts) {
            for (const dns::Address& address :
                 host.is_hold ? host.addresses : std::vector<dns::Address>{}) {
                addresses.push_back(address.text);
            }
        }
    }
    return addresses;
}

}  // namespace siding::cutover

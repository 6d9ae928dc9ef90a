// SPF of the domain: that it can be evaluated, and that the new server may send.
#include "base/network.hpp"
#include "cutover/doctor_dns.hpp"
#include "cutover/doctor_hosts.hpp"
#include "cutover/doctor_policy.hpp"
#include "cutover/recursive_lookup.hpp"
#include "dns/spf_evaluation.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>

namespace siding::cutover {
namespace {

// The records of a type as the evaluation wants them.
net::awaitable<Result<std::vector<std::string>>> texts_of(
    const RecursiveLookup& lookup, std::string name, dns::RecordType type
) {
    auto asked = co_await lookup.records(std::move(name), type);
    SIDING_CO_ASSIGN(const auto records, std::move(asked));
    std::vector<dns::Mx> exchangers;
    std::vector<std::string> texts;
    for (const dns::ResourceRecord& record : records) {
        if (const auto* const text = record.as<dns::Text>()) {
            texts.push_back(text->joined());
        } else if (const auto* const address = record.as<dns::Address>()) {
            texts.push_back(address->text);
        } else if (const auto* const host = record.as<dns::HostName>()) {
            texts.push_back(host->name);
        } else if (const auto* const mx = record.as<dns::Mx>()) {
            exchangers.push_back(*mx);
        }
    }
    std::ranges::sort(exchangers);
    for (const dns::Mx& mx : exchangers) {
        texts.push_back(mx.host);
    }
    co_return texts;
}

dns::SpfLookup lookup_of(const DoctorFacts& facts) {
    return [&lookup = facts.lookup](std::string name, dns::RecordType type) {
        return texts_of(lookup, std::move(name), type);
    };
}

// What the platforms ask for.
std::string_view include_of(config::Profile profile) {
    switch (profile) {
    case config::Profile::m365:
        return "spf.protection.outlook.com";
    case config::Profile::google:
        return "_spf.google.com";
    case config::Profile::generic:
    case config::Profile::postfix:
    case config::Profile::exchange:
        break;
    }
    return {};
}

// Addresses that never show on the Internet; a server there sends from another one.
bool is_private(const std::string& address) {
    static constexpr std::array networks{
        "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7", "fe80::/10"};
    return std::ranges::any_of(networks, [&](const char* network) {
        return Network::parse(network).value().contains(address);
    });
}

std::vector<std::string> sending_addresses(const DoctorFacts& facts) {
    std::vector<std::string> addresses;
    for (const HostView* const host : facts.server("new")) {
        for (const dns::Address& address : host->addresses) {
            if (!is_private(address.text)) {
                addresses.push_back(address.text);
            }
        }
    }
    return addresses;
}

// What the record lacks so that the new server may send: terms.
net::awaitable<std::vector<std::string>> missing_terms(
    const DoctorFacts& facts, std::vector<std::string> spent
) {
    std::vector<std::string> terms;
    const std::string_view include = include_of(new_profile(facts));
    if (!include.empty()) {
        const std::string term = fmt::format("include:{}", include);
        const bool is_there = std::ranges::any_of(spent, [&](const std::string& what) {
            return what.ends_with(term) || what == fmt::format("redirect={}", include);
        });
        if (!is_there) {
            terms.push_back(term);
        }
        co_return terms;
    }
    for (const std::string& address : sending_addresses(facts)) {
        dns::SpfMacros client;
        client.sender = "postmaster@" + facts.domain;
        client.address = address;
        client.helo = facts.domain;
        auto evaluating = dns::evaluate_spf(lookup_of(facts), facts.domain, std::move(client));
        const dns::SpfVerdict verdict = co_await std::move(evaluating);
        if (verdict.result == dns::SpfResult::fail || verdict.result == dns::SpfResult::softfail ||
            verdict.result == dns::SpfResult::neutral) {
            const bool is_ipv6 = address.find(':') != std::string::npos;
            terms.push_back((is_ipv6 ? "ip6:" : "ip4:") + address);
        }
    }
    co_return terms;
}

std::string spf_line(const DoctorFacts& facts, const std::string& record) {
    return zone_line(facts.domain, usual_ttl(facts), "TXT", zone_text(record));
}

// The record with more terms in front.
std::string extended(const std::string& record, const std::vector<std::string>& terms) {
    constexpr std::size_t version_octets = 6;
    return record.substr(0, version_octets) + " " + join(terms, " ") +
           record.substr(version_octets);
}

constexpr const char* broken_words =
    "Receivers take the record for broken (permerror): mail of the domain counts as not "
    "authorised, and with a strict DMARC policy it is refused.";

// One record of several: all their mechanisms, with the last "all".
std::string merged(const std::vector<std::string>& records) {
    dns::SpfRecord all;
    std::optional<dns::SpfMechanism> last;
    for (const std::string& text : records) {
        const auto record = dns::parse_spf(text);
        for (const dns::SpfMechanism& one :
             record.has_value() ? record->mechanisms : std::vector<dns::SpfMechanism>{}) {
            if (one.kind == dns::SpfMechanism::Kind::all) {
                last = one;
            } else if (std::ranges::find(all.mechanisms, one) == all.mechanisms.end()) {
                all.mechanisms.push_back(one);
            }
        }
    }
    if (last) {
        all.mechanisms.push_back(*last);
    }
    return dns::format_spf(all);
}

CheckOutcome judge_cost(const std::string& record, const dns::SpfVerdict& cost) {
    return failed(
        fmt::format(
            "{}\nit takes {} lookups of {} ({}), {} of them for names that do not exist",
            record,
            cost.lookups,
            dns::spf_lookups_max,
            join(cost.spent, ", "),
            cost.voids
        ),
        broken_words,
        "Take out what nobody sends from any more, and write ip4: and ip6: in place of a, mx and "
        "includes of your own."
    );
}

}  // namespace

net::awaitable<CheckOutcome> check_spf(const DoctorFacts& facts) {
    const auto texts = co_await texts_at(facts, facts.domain);
    if (texts.has_error()) {
        co_return hindered(texts.error().message());
    }
    std::vector<std::string> records;
    std::ranges::copy_if(*texts, std::back_inserter(records), dns::is_spf);
    if (records.empty()) {
        co_return failed_as(
            Severity::info,
            facts.domain + " has no SPF record",
            "Gmail and others junk or refuse mail of a domain that has neither SPF nor DKIM.",
            spf_line(facts, "v=spf1 mx ~all") + "   ; with what else sends for the domain"
        );
    }
    if (records.size() > 1) {
        co_return failed(
            as_list(records),
            broken_words,
            "Keep one record, with everything that is right in it:\n" +
                spf_line(facts, merged(records))
        );
    }
    auto measuring = dns::measure_spf(lookup_of(facts), facts.domain);
    const dns::SpfVerdict cost = co_await std::move(measuring);
    if (cost.result == dns::SpfResult::temperror) {
        co_return hindered(cost.reason);
    }
    if (cost.result == dns::SpfResult::permerror) {
        co_return failed(
            records.front() + "\n" + cost.reason, broken_words, "Correct or take out that term."
        );
    }
    if (cost.lookups > dns::spf_lookups_max || cost.voids > dns::spf_voids_max) {
        co_return judge_cost(records.front(), cost);
    }
    const auto missing = co_await missing_terms(facts, cost.spent);
    if (!missing.empty()) {
        co_return failed(
            records.front() + "\nthe new server is not in it: " + join(missing, ", "),
            "Mail that the domain sends from its new server fails SPF. If the new server sends "
            "from "
            "other addresses that are in the record, all is well.",
            spf_line(facts, extended(records.front(), missing)) +
                "   ; take the old server out last, weeks after the move"
        );
    }
    co_return passed(fmt::format("{} ({} lookups)", records.front(), cost.lookups));
}

}  // namespace siding::cutover

// DNSSEC: that what the parent says of the keys is true of the zone, and that signatures last.
#include "base/bytes.hpp"
#include "base/digest.hpp"
#include "cutover/doctor_dns.hpp"
#include "cutover/doctor_hosts.hpp"
#include "cutover/recursive_lookup.hpp"
#include "dns/deadline.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <optional>

namespace siding::cutover {
namespace {

using std::chrono::seconds;

constexpr std::chrono::days signature_left_min{7};
constexpr std::chrono::hours signature_life_short{60};  // made on demand, day by day

std::string wire_name(std::string_view name) {
    std::string octets;
    while (!name.empty()) {
        const std::string_view label = name.substr(0, name.find('.'));
        octets += static_cast<char>(label.size());
        octets += label;
        name.remove_prefix(std::min(name.size(), label.size() + 1));
    }
    return octets + '\0';
}

// RFC 4034 §5.1.4, with SHA-256 (RFC 4509).
dns::ResourceRecord make_ds(const std::string& zone, const dns::Dnskey& key) {
    std::string octets = wire_name(zone);
    octets += static_cast<char>(key.flags >> 8);
    octets += static_cast<char>(key.flags & 0xFF);
    octets += static_cast<char>(key.protocol);
    octets += static_cast<char>(key.algorithm);
    octets += key.key;
    dns::ResourceRecord record;
    record.owner = zone;
    record.type = static_cast<std::uint16_t>(dns::RecordType::ds);
    record.data = dns::Ds{key.key_tag(), key.algorithm, 2, sha256(octets)};
    return record;
}

// "12345 13 2 49fd…" of the parent and this key. Other digests than SHA-256 are not computed.
bool fits(const std::string& delegated, const std::string& zone, const dns::Dnskey& key) {
    const std::string head = fmt::format("{} {} ", key.key_tag(), key.algorithm);
    if (!delegated.starts_with(head)) {
        return false;
    }
    const bool is_sha256 = delegated.compare(head.size(), 2, "2 ") == 0;
    return !is_sha256 || equals_ignoring_case(delegated, dns::format_rdata(make_ds(zone, key)));
}

struct Findings {
    std::vector<std::string> broken{};
    std::vector<std::string> soon{};
    std::vector<std::string> good{};
    bool is_made_on_demand = true;  // all that end soon
};

void look_at_keys(
    const dns::AuthorityView& view,
    const std::vector<std::pair<net::HostPort, dns::Sample>>& answers,
    Findings& findings
) {
    for (const auto& [server, sample] : answers) {
        if (!sample.is_answered()) {
            continue;
        }
        bool has_key = false;
        for (const auto& record : dns::find(sample.response, view.zone, dns::RecordType::dnskey)) {
            const auto* const key = record.as<dns::Dnskey>();
            has_key = has_key ||
                      (key != nullptr &&
                       std::ranges::any_of(view.delegation_ds.data, [&](const std::string& ds) {
                           return fits(ds, view.zone, *key);
                       }));
        }
        if (!has_key) {
            findings.broken.push_back(fmt::format(
                "{}: no DNSKEY of {} fits the DS at the parent ({})",
                server.host,
                view.zone,
                view.delegation_ds.text()
            ));
        }
    }
}

void look_at_signatures(const DoctorFacts& facts, Findings& findings) {
    for (const dns::ServerView& server : facts.view->servers) {
        if (!server.is_heard()) {
            continue;
        }
        std::optional<dns::Rrsig> last;  // of those over MX the one that lasts longest
        for (const dns::ResourceRecord& record : server.mx.response.answers) {
            const auto* const signature = record.as<dns::Rrsig>();
            if (signature != nullptr && (!last || signature->expiration > last->expiration)) {
                last = *signature;
            }
        }
        const bool has_mx = !facts.view->mx_of(server).empty();
        if (!last) {
            if (has_mx) {
                findings.broken.push_back(server.text() + " gives MX without RRSIG");
            }
            continue;
        }
        const std::string text = fmt::format(
            "{}: RRSIG over MX from {} to {}",
            server.text(),
            format_time(last->inception),
            format_time(last->expiration)
        );
        if (last->expiration <= facts.now || last->inception > facts.now) {
            findings.broken.push_back(text);
        } else if (last->expiration < facts.now + signature_left_min) {
            findings.soon.push_back(text);
            findings.is_made_on_demand = findings.is_made_on_demand &&
                                         last->expiration - last->inception <= signature_life_short;
        } else {
            findings.good.push_back(text);
        }
    }
}

// SERVFAIL that goes away when nobody validates.
net::awaitable<void> look_through_resolver(const DoctorFacts& facts, Findings& findings) {
    const auto validated = co_await facts.lookup.ask(facts.view->zone, dns::RecordType::soa);
    if (validated.has_error()) {
        co_return;
    }
    if (validated->rcode != dns::rcode::server_failure) {
        findings.good.push_back(
            validated->authenticated ? "a resolver has validated it"
                                     : "the resolver here does not say that it validates"
        );
        co_return;
    }
    const auto raw = co_await facts.lookup.ask(facts.view->zone, dns::RecordType::soa, true);
    if (raw.has_value() && raw->rcode == dns::rcode::no_error) {
        findings.broken.push_back(
            "resolvers that validate answer SERVFAIL; without validation they answer"
        );
    }
}

std::string repair(const dns::AuthorityView& view) {
    return fmt::format(
        "Where the zone has moved to another DNS host: set the DS at the registrar to what that "
        "host gives, or delete it there and wait for its TTL ({} s).\n"
        "Where signatures have run out: sign again, on BIND with\n"
        "rndc sign {}\n"
        "Look at it from outside with\n"
        "delv @1.1.1.1 {} MX +rtrace",
        view.delegation_ds.ttl.count(),
        view.zone,
        view.domain
    );
}

}  // namespace

net::awaitable<CheckOutcome> check_dnssec(const DoctorFacts& facts) {
    if (!facts.view) {
        co_return hindered(facts.no_view);
    }
    const dns::AuthorityView& view = *facts.view;
    Findings findings;
    if (!view.delegation_ds.empty()) {
        dns::Question question{view.zone, dns::RecordType::dnskey};
        const auto answers = co_await facts.authority.ask_everywhere(view, std::move(question));
        look_at_keys(view, answers, findings);
        look_at_signatures(facts, findings);
    }
    co_await look_through_resolver(facts, findings);
    if (!findings.broken.empty()) {
        co_return failed(
            as_list(findings.broken),
            "Every resolver that validates answers SERVFAIL: for a large part of the world the "
            "domain is not there. Exchange Online reports 5.7.324 dnssec-invalid.",
            repair(view)
        );
    }
    if (!findings.soon.empty()) {
        co_return failed_as(
            findings.is_made_on_demand ? Severity::info : Severity::warning,
            as_list(findings.soon),
            "The signatures end within a week: should nobody renew them, the domain goes dark in "
            "the middle of the move.",
            "See that the signer runs and renews them in time. A DNS host that signs each answer "
            "when it is asked for makes short ones; then all is well.\n" +
                repair(view)
        );
    }
    if (view.delegation_ds.empty()) {
        co_return passed("the parent has no DS for " + view.zone + ": it is not signed");
    }
    findings.good.insert(findings.good.begin(), "DS " + view.delegation_ds.text());
    co_return passed(as_list(findings.good));
}

}  // namespace siding::cutover

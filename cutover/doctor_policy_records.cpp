// TXT records that speak of the domain's mail: TLS reports, DKIM keys, DMARC.
#include "base/bytes.hpp"
#include "cutover/doctor_dns.hpp"
#include "cutover/doctor_hosts.hpp"
#include "cutover/doctor_policy.hpp"
#include "cutover/recursive_lookup.hpp"
#include "dns/mta_sts.hpp"
#include "dns/tag_list.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace siding::cutover {
namespace {

std::vector<std::string> those_that(
    const std::vector<std::string>& texts, bool (*is_wanted)(std::string_view)
) {
    std::vector<std::string> found;
    std::ranges::copy_if(texts, std::back_inserter(found), is_wanted);
    return found;
}

// Whether senders insist on TLS for anybody here, so that reports are worth having.
net::awaitable<bool> is_strict(const DoctorFacts& facts) {
    const auto texts = co_await texts_at(facts, std::string{dns::sts_label} + facts.domain);
    if (texts.has_value() && !those_that(*texts, dns::is_sts_record).empty()) {
        co_return true;
    }
    for (const HostView& host : facts.hosts) {
        if (host.is_mx || host.is_hold) {
            std::string name = fmt::format("_{}._tcp.{}", host.port, host.name);
            const auto found =
                co_await facts.lookup.records(std::move(name), dns::RecordType::tlsa);
            if (found.has_value() && !found->empty()) {
                co_return true;
            }
        }
    }
    co_return false;
}

std::string report_fix(const DoctorFacts& facts) {
    return zone_line(
               "_smtp._tls." + facts.domain,
               usual_ttl(facts),
               "TXT",
               zone_text("v=TLSRPTv1; rua=mailto:tls-reports@example.net")
           ) +
           "   ; a mailbox outside " + facts.domain;
}

// --- DKIM ---------------------------------------------------------------------------------------

constexpr std::size_t rsa_bits_min = 1024;  // RFC 8301 §3.2

// What the operator has named, and what the new platform always uses.
std::vector<std::string> selectors_of(const DoctorFacts& facts) {
    auto selectors = facts.options.selectors;
    switch (new_profile(facts)) {
    case config::Profile::m365:
        selectors.insert(selectors.end(), {"selector1", "selector2"});
        break;
    case config::Profile::google:
        selectors.emplace_back("google");
        break;
    case config::Profile::generic:
    case config::Profile::postfix:
    case config::Profile::exchange:
        break;
    }
    std::ranges::sort(selectors);
    const auto doubles = std::ranges::unique(selectors);
    selectors.erase(doubles.begin(), doubles.end());
    return selectors;
}

struct Keys {
    std::vector<std::string> good{};
    std::vector<std::string> bad{};
    std::vector<std::string> unknown{};
    std::vector<std::string> fixes{};
};

std::string key_fix(
    const DoctorFacts& facts, const std::string& selector, const std::string& name
) {
    if (new_profile(facts) == config::Profile::m365 && selector.starts_with("selector")) {
        std::string dashed = facts.domain;
        std::ranges::replace(dashed, '.', '-');
        return zone_line(
                   name,
                   usual_ttl(facts),
                   "CNAME",
                   fmt::format("{}-{}._domainkey.TENANT.onmicrosoft.com.", selector, dashed)
               ) +
               "   ; the true target: Get-DkimSigningConfig " + facts.domain;
    }
    return zone_line(name, usual_ttl(facts), "TXT", "\"v=DKIM1; k=rsa; p=PUBLIC-KEY\"") +
           "   ; with the key that the new platform shows";
}

// What is wrong with the texts at a selector; empty: nothing.
std::string fault_of(const std::vector<std::string>& texts, std::string& described) {
    if (texts.empty()) {
        return "does not exist";
    }
    if (texts.size() > 1) {
        return fmt::format("has {} TXT records instead of one", texts.size());
    }
    const auto key = dns::parse_dkim_key(texts.front());
    if (key.has_error()) {
        return "is no key: " + key.error().context;
    }
    if (key->is_revoked) {
        return "is revoked: its p= is empty";
    }
    described = fmt::format("{} {} bits", key->type, key->bits);
    if (key->type == "rsa" && key->bits < rsa_bits_min) {
        return fmt::format("has only {} bits", key->bits);
    }
    if (key->is_testing) {
        described += ", t=y: receivers are told to take it for a test";
    }
    return {};
}

net::awaitable<void> look_at_key(const DoctorFacts& facts, std::string selector, Keys& keys) {
    const std::string name = selector + "._domainkey." + facts.domain;
    const auto texts = co_await texts_at(facts, name);
    if (texts.has_error()) {
        keys.unknown.push_back(texts.error().message());
        co_return;
    }
    std::string described;
    const std::string fault = fault_of(*texts, described);
    if (fault.empty()) {
        keys.good.push_back(name + ": " + described);
    } else {
        keys.bad.push_back(name + " " + fault);
        keys.fixes.push_back(key_fix(facts, selector, name));
    }
}

// --- DMARC --------------------------------------------------------------------------------------

// RFC 7489 §6.6.3: the domain's, else that of the zone above it.
net::awaitable<Result<std::vector<std::string>>> dmarc_records(
    const DoctorFacts& facts, std::string& name
) {
    name = "_dmarc." + facts.domain;
    auto own = co_await texts_at(facts, name);
    SIDING_CO_ASSIGN(auto texts, std::move(own));
    auto found = those_that(texts, dns::is_dmarc);
    if (found.empty() && facts.view && facts.view->zone != facts.domain &&
        !facts.view->zone.empty()) {
        name = "_dmarc." + facts.view->zone;
        auto above = co_await texts_at(facts, name);
        SIDING_CO_ASSIGN(texts, std::move(above));
        found = those_that(texts, dns::is_dmarc);
    }
    co_return found;
}

}  // namespace

net::awaitable<CheckOutcome> check_tls_reports(const DoctorFacts& facts) {
    const std::string name = "_smtp._tls." + facts.domain;
    const auto texts = co_await texts_at(facts, name);
    if (texts.has_error()) {
        co_return hindered(texts.error().message());
    }
    const auto records = those_that(*texts, dns::is_tls_reporting);
    if (records.empty()) {
        if (!co_await is_strict(facts)) {
            co_return passed("nobody is asked for reports; there is no MTA-STS and no DANE either");
        }
        co_return failed(
            name + " does not exist",
            "When a sender with a strict policy cannot deliver, nothing at our side shows it; its "
            "report, a day later, is the only sign.",
            report_fix(facts)
        );
    }
    const auto reporting = dns::parse_tls_reporting(records.front());
    if (records.size() > 1 || reporting.has_error()) {
        co_return failed(
            as_list(records) + (reporting.has_error() ? "\n" + reporting.error().context : ""),
            "Senders pass over it and report to nobody.",
            report_fix(facts)
        );
    }
    const bool is_elsewhere =
        std::ranges::any_of(reporting->reports_to, [&](const std::string& uri) {
            const auto domain = dns::mailto_domain(uri);
            return !domain || !dns::is_at_or_below(*domain, facts.domain);
        });
    if (!is_elsewhere) {
        co_return failed(
            join(reporting->reports_to, ", ") + " is in the domain that moves",
            "Should its mail not arrive, the reports that say why do not arrive either.",
            report_fix(facts)
        );
    }
    co_return passed("reports go to " + join(reporting->reports_to, ", "));
}

net::awaitable<CheckOutcome> check_dkim(const DoctorFacts& facts) {
    const auto selectors = selectors_of(facts);
    if (selectors.empty()) {
        co_return not_checked(
            "DNS has no list of selectors: give those of the old and the new platform with "
            "--selector NAME (s= in the DKIM-Signature of any message)"
        );
    }
    Keys keys;
    for (const std::string& selector : selectors) {
        co_await look_at_key(facts, selector, keys);
    }
    if (!keys.bad.empty()) {
        co_return failed(
            as_list(keys.bad),
            "Mail that the domain sends with this key fails DKIM, and with a strict DMARC policy "
            "it "
            "is refused or junked. Keep the old platform's keys for two weeks after the move.",
            join(keys.fixes, "\n")
        );
    }
    if (!keys.unknown.empty()) {
        co_return hindered(as_list(keys.unknown));
    }
    co_return passed(as_list(keys.good));
}

net::awaitable<CheckOutcome> check_dmarc(const DoctorFacts& facts) {
    std::string name;
    const auto records = co_await dmarc_records(facts, name);
    if (records.has_error()) {
        co_return hindered(records.error().message());
    }
    if (records->empty()) {
        co_return passed("the domain has no DMARC record");
    }
    const auto dmarc = dns::parse_dmarc(records->front());
    if (records->size() > 1 || dmarc.has_error()) {
        co_return failed(
            name + ":\n" + as_list(*records) +
                (dmarc.has_error() ? "\n" + dmarc.error().context : ""),
            "Receivers take it as if there were no DMARC record.",
            zone_line(
                name,
                usual_ttl(facts),
                "TXT",
                zone_text("v=DMARC1; p=none; rua=mailto:dmarc@" + facts.domain)
            ) + "   ; and no other that starts with v=DMARC1"
        );
    }
    co_return passed(fmt::format(
        "{}: p={}{}; during the move p=none is safe, and yours to choose",
        name,
        dns::format_dmarc_policy(dmarc->policy),
        dmarc->percent < 100 ? fmt::format(", pct={}", dmarc->percent) : ""
    ));
}

}  // namespace siding::cutover

// DANE (RFC 7672): the TLSA records of the MX hosts, held against the certificates that they show.
#include "base/bytes.hpp"
#include "cutover/doctor_dns.hpp"
#include "cutover/doctor_hosts.hpp"
#include "cutover/doctor_policy.hpp"
#include "cutover/recursive_lookup.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace siding::cutover {
namespace {

struct Findings {
    std::vector<std::string> bad{};
    std::vector<std::string> fixes{};
    std::vector<std::string> unknown{};
    std::vector<std::string> good{};
};

std::string tlsa_name(const HostView& host) {
    return fmt::format("_{}._tcp.{}", host.port, host.name);
}

// The record that fits what the server shows now.
std::string tlsa_fix(const DoctorFacts& facts, const HostView& host, const std::string& leaf) {
    const auto digest = net::tlsa_data(leaf, 1, 1);
    if (digest.has_error()) {
        return {};
    }
    return zone_line(tlsa_name(host), usual_ttl(facts), "TLSA", "3 1 1 " + to_hex(*digest)) +
           "   ; beside the old record until both caches and certificate have changed";
}

// One address of the host and its records.
void compare(
    const DoctorFacts& facts,
    const HostView& host,
    const SmtpView& session,
    const std::vector<net::TlsaRecord>& records,
    Findings& findings
) {
    const std::string name = name_of(host, session);
    if (!session.has_answered()) {
        findings.unknown.push_back(
            fmt::format("{} has TLSA records and did not answer: {}", name, session.problem)
        );
        return;
    }
    if (session.chain.empty()) {
        findings.bad.push_back(fmt::format(
            "{} has TLSA records, but {}",
            name,
            session.offers_tls ? "its STARTTLS fails: " + session.tls_problem
                               : "does not offer STARTTLS"
        ));
        findings.fixes.push_back(
            "Turn STARTTLS on at " + host.name + ", or delete the records at " + tlsa_name(host)
        );
        return;
    }
    const bool fits = std::ranges::any_of(records, [&](const net::TlsaRecord& record) {
        return record.is_usable() && net::fits_tlsa(record, session.chain);
    });
    std::vector<std::string> texts;
    for (const net::TlsaRecord& record : records) {
        texts.push_back(record.text());
    }
    if (fits) {
        findings.good.push_back(fmt::format("{} fits TLSA {}", name, join(texts, ", ")));
        return;
    }
    findings.bad.push_back(
        fmt::format("{} shows no certificate that fits TLSA {}", name, join(texts, ", "))
    );
    const std::string fix = tlsa_fix(facts, host, session.chain.front());
    if (std::ranges::find(findings.fixes, fix) == findings.fixes.end()) {
        findings.fixes.push_back(fix);
    }
}

net::awaitable<void> look_at(const DoctorFacts& facts, const HostView& host, Findings& findings) {
    std::string name = tlsa_name(host);
    const auto answer = co_await facts.lookup.ask(name, dns::RecordType::tlsa);
    if (answer.has_error()) {
        findings.unknown.push_back(answer.error().message());
        co_return;
    }
    const auto code = answer->rcode;
    if (code != dns::rcode::no_error && code != dns::rcode::no_such_name) {
        findings.bad.push_back(
            fmt::format("TLSA of {}: the resolver says {}", name, dns::format_rcode(code))
        );
        findings.fixes.push_back(fmt::format(
            "Repair DNSSEC of the zone of {} (D12), or the DNS host that cannot answer for TLSA: "
            "\"there is none\" must be said and signed.\n"
            "delv {} TLSA +rtrace",
            host.name,
            name
        ));
        co_return;
    }
    const std::string owner = dns::follow_aliases(*answer, name);
    std::vector<net::TlsaRecord> records;
    for (const dns::ResourceRecord& record : dns::find(*answer, owner, dns::RecordType::tlsa)) {
        records.push_back(*record.as<net::TlsaRecord>());
    }
    if (records.empty()) {
        co_return;
    }
    if (host.sessions.empty()) {
        findings.unknown.push_back(host.name + " has TLSA records and could not be reached");
    }
    for (const SmtpView& session : host.sessions) {
        if (session.reach != SmtpView::Reach::no_route || host.sessions.size() == 1) {
            compare(facts, host, session, records, findings);
        }
    }
}

}  // namespace

net::awaitable<CheckOutcome> check_dane(const DoctorFacts& facts) {
    Findings findings;
    bool has_hosts = false;
    for (const HostView& host : facts.hosts) {
        const bool is_name = !net::HostPort{host.name, host.port}.is_literal();
        if (is_name && (host.is_mx || host.is_hold || host.is_old_mx)) {
            has_hosts = true;
            co_await look_at(facts, host, findings);
        }
    }
    if (!has_hosts) {
        co_return without_mx(facts);
    }
    if (!findings.bad.empty()) {
        co_return failed(
            as_list(findings.bad),
            "Senders that use DANE (Exchange Online, Postfix with dane, most German providers) do "
            "not deliver: mail waits, and bounces after a day or more with 5.7.323 tlsa-invalid.",
            join(findings.fixes, "\n")
        );
    }
    if (!findings.unknown.empty()) {
        co_return hindered(as_list(findings.unknown));
    }
    co_return passed(
        findings.good.empty() ? "no MX host has TLSA records" : as_list(findings.good)
    );
}

}  // namespace siding::cutover

#include "base/bytes.hpp"
#include "cutover/doctor_hosts.hpp"
#include "cutover/recursive_lookup.hpp"
#include "net/run_on.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <fstream>
#include <iterator>

namespace siding::cutover {
namespace {

constexpr auto renew_before = std::chrono::hours{24} * 14;

std::string day_of(WallTime time) {
    return format_time(time).substr(0, 10);
}

struct CertificateVerdict {
    std::string evidence;
    std::string fault;  // empty: good
    bool expires_soon = false;
};

CertificateVerdict judge(
    const DoctorFacts& facts, const std::vector<std::string>& chain, const std::string& name
) {
    CertificateVerdict verdict;
    const auto described =
        chain.empty() ? Result<net::CertificateFacts>{Error{Errc::not_found, "no certificate"}}
                      : net::describe_certificate(chain.front());
    if (described.has_error()) {
        verdict.fault = described.error().context;
        return verdict;
    }
    std::string names;
    for (const std::string& shown : described->names) {
        names += (names.empty() ? "" : ", ") + shown;
    }
    verdict.evidence = fmt::format(
        "certificate for {}, by {}, until {}",
        names,
        described->issuer,
        day_of(described->not_after)
    );
    verdict.expires_soon = described->not_after < facts.now + renew_before;
    if (!net::fits_name(*described, name)) {
        verdict.fault = "it is not for " + name;
        return verdict;
    }
    if (facts.trusted) {
        verdict.fault = facts.trusted->find_fault(chain, facts.now).value_or("");
    }
    return verdict;
}

std::vector<std::string> split_pem(const std::string& text) {
    std::vector<std::string> chain;
    const std::string begin = "-----BEGIN CERTIFICATE-----";
    for (auto at = text.find(begin); at != std::string::npos; at = text.find(begin, at + 1)) {
        chain.push_back(text.substr(at));
    }
    return chain;
}

// The chain that the configuration names for this name; empty where it names none.
Result<std::vector<std::string>> read_chain(const config::Tls& tls, const std::string& name) {
    std::string path;
    if (const auto found = tls.names.find(name); found != tls.names.end()) {
        path = found->second.certificate;
    } else if (tls.identity) {
        path = tls.identity->certificate;
    } else {
        return std::vector<std::string>{};
    }
    std::ifstream file{path, std::ios::binary};
    if (!file) {
        return Error{Errc::not_found, "cannot read " + path};
    }
    const std::string text{std::istreambuf_iterator<char>{file}, {}};
    std::vector<std::string> chain;
    for (const std::string& pem : split_pem(text)) {
        SIDING_ASSIGN(std::string der, net::certificate_of_pem(pem));
        chain.push_back(std::move(der));
    }
    return chain;
}

constexpr const char* strict_senders =
    "Senders that hold a policy of the domain (MTA-STS, DANE) do not deliver to it: they try for a "
    "day, then bounce with 5.7.x. Nothing of it reaches our log.";

struct Tally {
    std::vector<std::string> good;
    std::vector<std::string> bad;
    bool is_soon = false;
    std::string unread;
};

void take(
    const DoctorFacts& facts,
    const std::string& who,
    const std::vector<std::string>& chain,
    const std::string& name,
    Tally& tally
) {
    const CertificateVerdict verdict = judge(facts, chain, name);
    const std::string line = who + ": " + verdict.evidence;
    if (!verdict.fault.empty()) {
        tally.bad.push_back(line + (verdict.evidence.empty() ? "" : "; ") + verdict.fault);
    } else if (verdict.expires_soon) {
        tally.bad.push_back(line + ": it expires soon");
        tally.is_soon = true;
    } else {
        tally.good.push_back(line);
    }
}

void take_session(
    const DoctorFacts& facts, const HostView& host, const SmtpView& session, Tally& tally
) {
    const std::string who = name_of(host, session);
    if (session.tls) {
        take(facts, who + " " + session.tls->version, session.chain, host.name, tally);
    } else if (session.offers_tls) {
        tally.bad.push_back(who + ": STARTTLS fails: " + session.tls_problem);
    } else {
        tally.bad.push_back(who + " offers no STARTTLS");
    }
}

net::awaitable<void> take_hold_host(const DoctorFacts& facts, const HostView& host, Tally& tally) {
    bool is_seen = false;
    for (const SmtpView& session : host.sessions) {
        if (session.has_answered() && session.server_name == facts.config->hostname) {
            is_seen = true;
            take_session(facts, host, session, tally);
        }
    }
    if (is_seen) {
        co_return;
    }
    const auto read = [tls = facts.config->tls, name = host.name] { return read_chain(tls, name); };
    auto chain = co_await net::run_on(facts.files, read);
    if (chain.has_error()) {
        tally.unread = chain.error().context;
    } else if (chain->empty()) {
        tally.bad.push_back("the configuration names no certificate for " + host.name);
    } else {
        take(facts, host.name + " (from its file)", *chain, host.name, tally);
    }
}

// --- P06 ----------------------------------------------------------------------------------------

// Whether senders may want a certificate by a known authority: they do so for MTA-STS alone. TLSA
// records are held against the chain by P04.
net::awaitable<Result<bool>> has_sts(const DoctorFacts& facts) {
    auto asked = co_await facts.lookup.records("_mta-sts." + facts.domain, dns::RecordType::txt);
    SIDING_CO_ASSIGN(const std::vector<dns::ResourceRecord> texts, std::move(asked));
    co_return std::ranges::any_of(texts, [](const dns::ResourceRecord& record) {
        const auto* const text = record.as<dns::Text>();
        return text != nullptr && text->joined().starts_with("v=STSv1");
    });
}

}  // namespace

net::awaitable<CheckOutcome> check_hold_certificate(const DoctorFacts& facts) {
    if (const std::string lack = facts.lacks_domain(); !lack.empty()) {
        co_return not_checked(lack);
    }
    if (!facts.trusted) {
        co_return hindered(facts.no_roots);
    }
    Tally tally;
    for (const HostView& host : facts.hosts) {
        if (host.is_hold) {
            co_await take_hold_host(facts, host, tally);
        }
    }
    const std::string hold = facts.new_hosts.empty() ? "HOST" : facts.new_hosts.front();
    const std::string fix = fmt::format(
        "certbot certonly --standalone -d {0}\n"
        "tls:\n  certificate: /etc/letsencrypt/live/{0}/fullchain.pem\n"
        "  key: /etc/letsencrypt/live/{0}/privkey.pem",
        hold
    );
    if (!tally.bad.empty()) {
        const bool is_only_soon = tally.is_soon && tally.bad.size() == 1;
        co_return failed_as(
            is_only_soon ? Severity::warning : Severity::critical,
            as_list(tally.bad),
            strict_senders,
            fix
        );
    }
    if (!tally.unread.empty()) {
        co_return hindered(tally.unread);
    }
    co_return passed(as_list(tally.good));
}

net::awaitable<CheckOutcome> check_old_certificate(const DoctorFacts& facts) {
    if (!facts.trusted) {
        co_return hindered(facts.no_roots);
    }
    auto asked = co_await has_sts(facts);
    if (asked.has_error()) {
        co_return hindered(asked.error().message());
    }
    Tally tally;
    for (const HostView& host : facts.hosts) {
        const bool is_old = host.is_old_mx || (facts.settings == nullptr && host.is_mx);
        const SmtpView* const session = host.answered();
        // What is wrong with an alias is D03's to say.
        if (is_old && session != nullptr && host.alias_of.empty()) {
            take_session(facts, host, *session, tally);
        }
    }
    if (tally.bad.empty() && tally.good.empty()) {
        co_return not_checked("no old MX host answers, or none is known");
    }
    if (tally.bad.empty()) {
        co_return passed(as_list(tally.good));
    }
    if (!*asked) {
        co_return passed(
            "no sender insists, since there is no MTA-STS policy: " + as_list(tally.bad)
        );
    }
    const bool is_only_soon = tally.is_soon && tally.bad.size() == 1;
    co_return failed_as(
        is_only_soon ? Severity::warning : Severity::critical,
        as_list(tally.bad) + "\nthe domain has an MTA-STS policy",
        strict_senders,
        "Renew the certificate of the old MX, for its MX name, and leave its line in the policy "
        "until nobody uses it any more:\nmx: " +
            (facts.old_hosts.empty() ? std::string{"OLD-HOST"} : facts.old_hosts.front())
    );
}

}  // namespace siding::cutover

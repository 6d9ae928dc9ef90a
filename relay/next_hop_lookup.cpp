#include "relay/next_hop_lookup.hpp"

#include "base/limits.hpp"
#include "net/network_error.hpp"
#include "net/resolve.hpp"
#include "relay/own_address.hpp"

#include <algorithm>
#include <iterator>
#include <optional>
#include <random>

namespace siding::relay {
namespace {

using net::awaitable;

// getaddrinfo does not say for how long it holds.
constexpr std::chrono::seconds system_ttl{60};

Candidate make_candidate(const net::Endpoint& address, const std::string& name) {
    Candidate candidate;
    candidate.address = address;
    candidate.name = name;
    return candidate;
}

net::Endpoint literal_endpoint(const config::Endpoint& endpoint) {
    const bool is_ipv6 = endpoint.host.find(':') != std::string::npos;
    return {is_ipv6 ? net::Family::ipv6 : net::Family::ipv4, endpoint.host, endpoint.port};
}

Error unsigned_error(const std::string& what) {
    return {
        Errc::unavailable,
        what + " are not signed, or the DNS server does not validate: tls: dane needs both"};
}

bool is_null_mx(const std::vector<dns::Mx>& records) {
    return !records.empty() &&
           std::ranges::all_of(records, [](const dns::Mx& mx) { return mx.host.empty(); });
}

}  // namespace

struct NextHopLookup::Host {
    Host() = default;  // no aggregate: net/asio.hpp

    std::string name;
    std::uint16_t port = 0;
    bool is_dane = false;
    std::vector<std::string> other_names;
};

std::vector<dns::Mx> order_mx(
    std::vector<dns::Mx> records, const std::string& own_hostname, std::uint32_t seed
) {
    std::erase_if(records, [](const dns::Mx& mx) { return mx.host.empty(); });
    std::ranges::sort(records);  // so that chance alone decides
    std::ranges::shuffle(records, std::mt19937{seed});
    std::ranges::stable_sort(records, {}, &dns::Mx::preference);
    const auto own = std::ranges::find(records, own_hostname, &dns::Mx::host);
    if (own != records.end()) {
        const auto preference = own->preference;
        std::erase_if(records, [&](const dns::Mx& mx) { return mx.preference >= preference; });
    }
    return records;
}

awaitable<Result<NextHopAnswer>> NextHopLookup::run(NextHopQuestion question) {
    const std::string& name = question.endpoint.host;
    if (config::is_ip_address(name)) {
        if (question.is_dane) {
            co_return Error{Errc::invalid_argument, "tls: dane needs a name, not " + name};
        }
        NextHopAnswer answer;
        answer.candidates.push_back(make_candidate(literal_endpoint(question.endpoint), name));
        answer.ttl = system_ttl;
        co_return answer;
    }
    if (question.is_mx) {
        auto answer = co_await ask_mx(question);
        co_return answer;
    }
    if (question.is_dane || (!config_->dns.servers.empty() && name != "localhost")) {
        Host host;
        host.name = name;
        host.port = question.endpoint.port;
        host.is_dane = question.is_dane;
        auto answer = co_await ask_dns(host);
        // What DNS does not know may stand in /etc/hosts.
        if (answer.has_value() || question.is_dane || !answer.error().is(Errc::not_found)) {
            co_return answer;
        }
    }
    auto answer = co_await ask_system(question);
    co_return answer;
}

awaitable<Result<NextHopAnswer>> NextHopLookup::ask_system(NextHopQuestion question) {
    const std::string& name = question.endpoint.host;
    const net::HostPort target{name, question.endpoint.port};
    auto resolved = co_await net::resolve(target, config_->dns.timeout * config_->dns.tries);
    SIDING_CO_ASSIGN(const auto endpoints, std::move(resolved));
    NextHopAnswer answer;
    for (const net::Endpoint& endpoint : endpoints) {
        answer.candidates.push_back(make_candidate(endpoint, name));
    }
    answer.ttl = system_ttl;
    co_return answer;
}

awaitable<Result<NextHopAnswer>> NextHopLookup::ask_mx(NextHopQuestion question) {
    const std::string& domain = question.endpoint.host;
    auto asked = co_await resolver_.query(domain, dns::RecordType::mx);
    SIDING_CO_ASSIGN(const dns::Answer mx, std::move(asked));
    if (mx.rcode == dns::Answer::Rcode::no_such_name) {
        co_return Error{Errc::not_found, "the domain " + domain + " does not exist"};
    }
    std::vector<dns::Mx> records = mx.all<dns::Mx>();
    if (is_null_mx(records)) {  // RFC 7505 §3
        co_return Error{Errc::not_found, "the domain " + domain + " takes no mail (null MX)"};
    }
    // RFC 7672 §2.2.1: hosts that anybody may have named are no better than no TLSA records.
    if (question.is_dane && !mx.authenticated) {
        co_return unsigned_error("MX records of " + domain);
    }
    if (records.empty()) {
        records.push_back({0, domain});  // RFC 5321 §5.1: the implicit MX
    }
    records = order_mx(std::move(records), config_->hostname, std::random_device{}());
    if (records.empty()) {
        co_return Error{
            Errc::conflict, "the best MX of " + domain + " is ourselves, " + config_->hostname};
    }
    Host common;
    common.name = domain;
    common.port = question.endpoint.port;
    common.is_dane = question.is_dane;
    common.other_names = {domain};  // RFC 7672 §3.2.2
    if (mx.name != domain) {
        common.other_names.push_back(mx.name);
    }
    auto found = co_await ask_hosts(std::move(common), std::move(records));
    SIDING_CO_ASSIGN(NextHopAnswer answer, std::move(found));
    answer.ttl = std::min(answer.ttl, mx.ttl);
    co_return answer;
}

// A host that leads nowhere is passed over as long as another one does not.
awaitable<Result<NextHopAnswer>> NextHopLookup::ask_hosts(
    Host domain, std::vector<dns::Mx> records
) {
    NextHopAnswer answer;
    answer.ttl = std::chrono::seconds::max();
    std::optional<Error> failure;
    std::size_t before_equals = 0;  // candidates of better preferences
    for (std::size_t n = 0; n < records.size() && n < limits::mx_hosts_max; ++n) {
        if (n > 0 && records[n].preference != records[n - 1].preference) {
            before_equals = answer.candidates.size();
        }
        Host host = domain;
        host.name = records[n].host;
        auto found = co_await ask_dns(std::move(host));
        if (!found) {
            if (net::is_cancelled(found.error())) {
                co_return found.error();
            }
            failure = failure ? failure : found.error();
            continue;
        }
        answer.ttl = std::min(answer.ttl, found->ttl);
        if (is_own(found->candidates)) {
            answer.candidates.resize(before_equals);
            const std::string what = "the best MX of " + domain.name + " is one of our listeners";
            failure = Error{Errc::conflict, what};
            break;
        }
        std::ranges::move(found->candidates, std::back_inserter(answer.candidates));
    }
    if (answer.candidates.empty()) {
        co_return failure.value_or(Error{Errc::not_found, domain.name + " has no MX host"});
    }
    co_return answer;
}

bool NextHopLookup::is_own(const std::vector<Candidate>& candidates) const {
    return std::ranges::any_of(candidates, [this](const Candidate& candidate) {
        return is_own_address(*config_, candidate.address);
    });
}

awaitable<Result<NextHopAnswer>> NextHopLookup::ask_dns(Host host) {
    NextHopAnswer answer;
    answer.ttl = std::chrono::seconds::max();
    std::optional<Error> failure;
    bool is_any_unsigned = false;
    std::string alias;  // where a signed chain of aliases ends
    for (const auto type : {dns::RecordType::a, dns::RecordType::aaaa}) {
        auto asked = co_await resolver_.query(host.name, type);
        if (!asked) {
            if (net::is_cancelled(asked.error())) {
                co_return asked.error();
            }
            failure = asked.error();
            continue;
        }
        answer.ttl = std::min(answer.ttl, asked->ttl);
        // RFC 7672 §2.2.2: a host in a zone without signatures has no TLSA records either.
        if (host.is_dane && !asked->authenticated) {
            is_any_unsigned = is_any_unsigned || !asked->records.empty();
            continue;
        }
        alias = asked->name;
        for (const dns::Address& address : asked->all<dns::Address>()) {
            const net::Endpoint endpoint{address.family, address.text, host.port};
            answer.candidates.push_back(make_candidate(endpoint, host.name));
        }
    }
    if (answer.candidates.empty() && is_any_unsigned) {
        co_return unsigned_error("the addresses of " + host.name);
    }
    if (answer.candidates.empty()) {
        co_return failure.value_or(Error{Errc::not_found, host.name + " has no address in DNS"});
    }
    if (host.is_dane) {
        auto added = co_await add_tlsa(std::move(host), std::move(alias), answer);
        SIDING_CO_TRY(std::move(added));
    }
    co_return answer;
}

// RFC 7672 §2.2.2: at the end of the aliases first, then at the name itself. The one that has them
// is the TLSA base domain.
awaitable<Result<void>> NextHopLookup::add_tlsa(
    Host host, std::string alias, NextHopAnswer& answer
) {
    Host base = host;
    base.name = alias;
    auto asked = co_await ask_tlsa(base);
    if (asked.has_value() && asked->records.empty() && alias != host.name) {
        base.name = host.name;
        asked = co_await ask_tlsa(base);
    }
    SIDING_CO_ASSIGN(const dns::Answer tlsa, std::move(asked));
    std::vector<net::TlsaRecord> records = tlsa.all<net::TlsaRecord>();
    const std::string what = base.name + ", port " + std::to_string(host.port);
    if (records.empty()) {
        co_return Error{Errc::unavailable, "no TLSA record for " + what};
    }
    std::erase_if(records, [](const net::TlsaRecord& record) { return !record.is_usable(); });
    if (records.empty()) {
        co_return Error{Errc::unavailable, "no TLSA record that SMTP can use for " + what};
    }
    answer.ttl = std::min(answer.ttl, tlsa.ttl);
    for (Candidate& candidate : answer.candidates) {
        candidate.name = base.name;
        candidate.other_names = host.other_names;
        if (base.name != host.name) {
            candidate.other_names.push_back(host.name);
        }
        candidate.tlsa = records;
        candidate.dane_required = true;
    }
    co_return Result<void>{};
}

awaitable<Result<dns::Answer>> NextHopLookup::ask_tlsa(Host host) {
    // RFC 6698 §3.
    const std::string name = "_" + std::to_string(host.port) + "._tcp." + host.name;
    auto asked = co_await resolver_.query(name, dns::RecordType::tlsa);
    SIDING_CO_ASSIGN(dns::Answer answer, std::move(asked));
    if (!answer.authenticated && !answer.records.empty()) {
        co_return unsigned_error("the TLSA records of " + host.name);
    }
    co_return answer;
}

}  // namespace siding::relay

// What lies around the records of the domain: another view from inside, wildcards, other domains.
#include "base/bytes.hpp"
#include "base/domain.hpp"
#include "cutover/doctor_dns.hpp"
#include "cutover/doctor_hosts.hpp"
#include "cutover/recursive_lookup.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <fstream>
#include <set>

namespace siding::cutover {
namespace {

constexpr std::size_t domains_max = 200;

std::string parent_of(std::string_view name) {
    const auto dot = name.find('.');
    return dot == std::string_view::npos ? std::string{} : std::string{name.substr(dot + 1)};
}

// A name that nobody has made.
std::string unlikely_name(const DoctorFacts& facts, std::string_view zone) {
    return fmt::format("siding-{:x}.{}", facts.now.time_since_epoch().count(), zone);
}

std::vector<std::string> texts_of(const std::vector<dns::ResourceRecord>& records) {
    return dns::make_rrset(records).data;
}

net::awaitable<Result<std::vector<std::string>>> ask_inside(
    const DoctorFacts& facts, std::string name, dns::RecordType type
) {
    dns::Ask how;
    how.recurse = true;
    how.tries = 2;
    dns::Question question{name, type};
    const dns::Sample sample =
        co_await facts.prober.ask(*facts.options.resolver, std::move(question), how);
    if (!sample.is_answered()) {
        co_return Error{Errc::unavailable, facts.options.resolver->text() + ": " + sample.problem};
    }
    const auto code = sample.response.rcode;
    if (code != dns::rcode::no_error && code != dns::rcode::no_such_name) {
        co_return Error{
            Errc::unavailable, facts.options.resolver->text() + ": " + dns::format_rcode(code)};
    }
    const std::string owner = dns::follow_aliases(sample.response, dns::plain_name(name));
    co_return dns::rrset_of(sample.response, owner, type).data;
}

std::vector<std::string> sorted_addresses(const HostView& host, net::Family family) {
    std::vector<std::string> texts;
    for (const dns::Address& address : host.addresses) {
        if (address.family == family) {
            texts.push_back(address.text);
        }
    }
    std::ranges::sort(texts);
    return texts;
}

// What the resolver inside says of the addresses of one host, if it is another thing.
net::awaitable<std::string> compare_addresses(const DoctorFacts& facts, const HostView& host) {
    const auto inside = co_await ask_inside(facts, host.name, dns::RecordType::a);
    const auto outside = sorted_addresses(host, net::Family::ipv4);
    if (inside.has_error() || *inside == outside) {
        co_return std::string{};
    }
    co_return fmt::format(
        "{}: inside {}, outside {}",
        host.name,
        inside->empty() ? "nothing" : join(*inside, ", "),
        outside.empty() ? "nothing" : join(outside, ", ")
    );
}

std::vector<std::string> mx_texts(const DoctorFacts& facts) {
    std::vector<std::string> texts;
    for (const dns::Mx& record : facts.mx) {
        texts.push_back(
            fmt::format("{} {}", record.preference, record.host.empty() ? "." : record.host)
        );
    }
    std::ranges::sort(texts);
    return texts;
}

// Names that answer because of a wildcard: what an MX host of this name would get.
net::awaitable<std::vector<std::string>> wildcard_records(
    const DoctorFacts& facts, std::string zone, dns::RecordType type
) {
    std::string name = unlikely_name(facts, zone);
    if (type == dns::RecordType::tlsa) {
        name.insert(0, "_25._tcp.");
    }
    const auto found = co_await facts.lookup.records(std::move(name), type);
    co_return found.has_value() ? texts_of(*found) : std::vector<std::string>{};
}

// The domains of a list of addresses; whatever else a line has is passed over.
std::set<std::string> domains_in(const std::filesystem::path& file) {
    std::set<std::string> domains;
    std::ifstream stream{file};
    std::string line;
    while (std::getline(stream, line) && domains.size() < domains_max) {
        const auto at = line.rfind('@', line.find_first_of("#,;"));
        if (at == std::string::npos) {
            continue;
        }
        const auto end = line.find_first_of(" \t\r\"',;>", at);
        const auto domain = Domain::parse(
            std::string_view{line}.substr(at + 1, end == std::string::npos ? end : end - at - 1)
        );
        if (domain.has_value()) {
            domains.insert(domain->text());
        }
    }
    return domains;
}

bool is_configured(const DoctorFacts& facts, const std::string& name) {
    return std::ranges::any_of(facts.config->domains, [&](const auto& entry) {
        return entry.first.text() == name;
    });
}

}  // namespace

net::awaitable<CheckOutcome> check_split_horizon(const DoctorFacts& facts) {
    if (!facts.options.resolver) {
        co_return not_checked(
            "it needs the address of a resolver that your own machines ask: --resolver ADDRESS"
        );
    }
    if (!facts.mx_known) {
        co_return without_mx(facts);
    }
    const auto inside = co_await ask_inside(facts, facts.domain, dns::RecordType::mx);
    if (inside.has_error()) {
        co_return hindered(inside.error().message());
    }
    std::vector<std::string> lines;
    auto sorted = *inside;
    std::ranges::sort(sorted);
    if (sorted != mx_texts(facts)) {
        lines.push_back(fmt::format(
            "MX of {}: inside {}, outside {}",
            facts.domain,
            sorted.empty() ? "none" : join(sorted, ", "),
            describe_mx(facts.mx)
        ));
    }
    for (const HostView& host : facts.hosts) {
        if (host.is_mx || host.is_hold) {
            auto line = co_await compare_addresses(facts, host);
            if (!line.empty()) {
                lines.push_back(std::move(line));
            }
        }
    }
    if (lines.empty()) {
        co_return passed("inside and outside agree: " + describe_mx(facts.mx));
    }
    co_return failed(
        as_list(lines),
        "Printers, scanners and application servers ask inside: they go on to the old server when "
        "the world has moved.",
        "Change the inner zone together with the outer one:\n" +
            (facts.new_hosts.empty()
                 ? std::string{}
                 : zone_line(
                       facts.domain, usual_ttl(facts), "MX", "10 " + facts.new_hosts.front() + "."
                   ))
    );
}

net::awaitable<CheckOutcome> check_wildcards(const DoctorFacts& facts) {
    std::set<std::string> zones{facts.domain};
    for (const HostView& host : facts.hosts) {
        if ((host.is_mx || host.is_hold) && parent_of(host.name).find('.') != std::string::npos) {
            zones.insert(parent_of(host.name));
        }
    }
    const auto reached = co_await facts.lookup.ask(facts.domain, dns::RecordType::soa);
    if (reached.has_error()) {
        co_return hindered(reached.error().message());
    }
    std::vector<std::string> bad;
    std::vector<std::string> harmless;
    for (const std::string& zone : zones) {
        const auto tlsa = co_await wildcard_records(facts, zone, dns::RecordType::tlsa);
        const auto addresses = co_await wildcard_records(facts, zone, dns::RecordType::a);
        if (!tlsa.empty()) {
            bad.push_back(fmt::format("*.{} has TLSA {}", zone, join(tlsa, "; ")));
        }
        for (const HostView& host : facts.hosts) {
            const bool is_sheltered = host.is_hold && parent_of(host.name) == zone;
            if (is_sheltered && !addresses.empty() &&
                addresses == sorted_addresses(host, net::Family::ipv4)) {
                bad.push_back(fmt::format(
                    "{} has its address {} from *.{} alone", host.name, join(addresses, ", "), zone
                ));
            }
        }
        if (!addresses.empty()) {
            harmless.push_back(fmt::format("*.{} has A {}", zone, join(addresses, ", ")));
        }
    }
    if (bad.empty()) {
        co_return passed(
            harmless.empty() ? "names that nobody has made do not exist" : as_list(harmless)
        );
    }
    co_return failed(
        as_list(bad),
        "A host that is new under this name answers for what it is not: senders that use DANE find "
        "a wrong TLSA record and wait, others connect to another machine.",
        "Give each MX host its own A and AAAA records, and take wildcards off TLSA names."
    );
}

net::awaitable<CheckOutcome> check_registration(const DoctorFacts& facts) {
    co_return by_hand(
        "whois " + (facts.view ? facts.view->zone : facts.domain) +
        "\nSee that it is paid for beyond the move, and that the registrar's lock and the people "
        "who can log in are known."
    );
}

net::awaitable<CheckOutcome> check_other_domains(const DoctorFacts& facts) {
    if (!facts.options.recipients || facts.config == nullptr) {
        co_return not_checked(
            "it needs the configuration and a list of all addresses of the old server: --config "
            "FILE --recipients FILE"
        );
    }
    std::vector<std::string> forgotten;
    std::vector<std::string> unknown;
    const auto domains = domains_in(*facts.options.recipients);
    for (const std::string& name : domains) {
        if (is_configured(facts, name)) {
            continue;
        }
        const auto found = co_await facts.lookup.records(name, dns::RecordType::mx);
        if (found.has_error()) {
            unknown.push_back(found.error().message());
            continue;
        }
        for (const dns::ResourceRecord& record : *found) {
            const auto* const mx = record.as<dns::Mx>();
            if (mx != nullptr &&
                std::ranges::find(facts.old_hosts, mx->host) != facts.old_hosts.end()) {
                forgotten.push_back(fmt::format("{} has MX {} too", name, mx->host));
                break;
            }
        }
    }
    if (!forgotten.empty()) {
        co_return failed(
            as_list(forgotten),
            "Mail for these domains stops when the old server is switched off.",
            "Add them to the configuration, under domains:, and move their MX as well."
        );
    }
    if (!unknown.empty()) {
        co_return hindered(as_list(unknown));
    }
    co_return passed(fmt::format("{} domains in the list of addresses", domains.size()));
}

}  // namespace siding::cutover

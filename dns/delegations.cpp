#include "dns/delegations.hpp"

#include "base/bytes.hpp"
#include "net/deadline.hpp"

#include <algorithm>
#include <optional>
#include <random>

namespace siding::dns {
namespace {

using net::awaitable;
using std::chrono::seconds;

constexpr seconds kept_for_max{300};
constexpr std::size_t kept_max = 4096;  // zones, and hosts
constexpr int depth_max = 4;            // servers whose names lie in zones whose servers' names …
constexpr int steps_max = 32;           // zones on the way
constexpr std::size_t group_size = 3;   // servers that are asked at once
constexpr std::size_t groups_max = 4;
constexpr std::size_t named_servers_max = 3;  // whose addresses are looked for to get further
constexpr std::chrono::milliseconds resolver_time{4000};

bool is_below(std::string_view name, std::string_view zone) {
    return name != zone && is_at_or_below(name, zone);
}

std::string shown(const std::string& zone) {
    return zone.empty() ? "the root" : zone;
}

// Most servers answer at once: one that does not must not hold up the way past it. Where no other
// answers, there is more patience.
enum class Patience { little, more };

Ask ask_with(Patience patience) {
    using namespace std::chrono_literals;
    Ask how;
    how.timeout = patience == Patience::little ? 1000ms : 4000ms;
    return how;
}

std::optional<net::HostPort> address_in(const ResourceRecord& record, std::uint16_t port) {
    const Address* const address = record.as<Address>();
    return address == nullptr ? std::nullopt : std::optional{net::HostPort{address->text, port}};
}

std::string soa_owner(const Response& response) {
    for (const ResourceRecord& record : response.authority) {
        if (record.is(RecordType::soa)) {
            return record.owner;
        }
    }
    return {};
}

// The zone that a referral leads to, if it leads further down towards `name`.
std::optional<std::string> referral_of(
    const Response& response, const std::string& zone, const std::string& name
) {
    for (const ResourceRecord& record : response.authority) {
        if (record.is(RecordType::ns) && is_below(record.owner, zone) &&
            is_at_or_below(name, record.owner)) {
            return record.owner;
        }
    }
    return std::nullopt;
}

// IPv4 first: a host without a route says so at once, but many have half a route to IPv6.
void shuffle(std::vector<net::HostPort>& servers) {
    static thread_local std::mt19937 random{std::random_device{}()};
    std::ranges::shuffle(servers, random);
    std::ranges::stable_partition(servers, [](const net::HostPort& server) {
        return server.host.find(':') == std::string::npos;
    });
}

}  // namespace

// Where one zone's servers send who asks for a name.
struct Delegations::Step {
    enum class Kind { further, here, stuck };

    Step() = default;  // no aggregate: net/asio.hpp

    Kind kind = Kind::stuck;
    Cut cut;  // further
    bool lacks_name = false;
    std::string why;  // stuck
};

Delegations::Delegations(Prober& prober, Resolver& resolver, Roots roots)
    : prober_{prober}, resolver_{resolver}, roots_{std::move(roots)} {}

WallTime Delegations::until(seconds ttl) const {
    return prober_.clock().now() + std::min(ttl, kept_for_max);
}

Cut Delegations::nearest(const std::string& name) const {
    const WallTime now = prober_.clock().now();
    std::string_view zone = name;
    while (!zone.empty()) {
        const auto known = cuts_.find(std::string{zone});
        if (known != cuts_.end() && known->second.until > now) {
            return known->second;
        }
        zone.remove_prefix(std::min(zone.find('.'), zone.size() - 1) + 1);
    }
    Cut root;
    root.glue[""] = roots_.servers;
    root.ns.data = {""};
    return root;
}

void Delegations::keep(const Cut& cut) {
    const WallTime now = prober_.clock().now();
    if (cut.until <= now) {
        return;
    }
    if (cuts_.size() >= kept_max) {
        std::erase_if(cuts_, [now](const auto& known) { return known.second.until <= now; });
    }
    if (cuts_.size() < kept_max) {
        cuts_.insert_or_assign(cut.zone, cut);
    }
}

void Delegations::forget(const std::string& name) {
    std::erase_if(cuts_, [&](const auto& known) { return is_at_or_below(name, known.first); });
}

Cut Delegations::make_cut(
    const std::string& zone, const Cut& parent, const Response& response, bool is_referral
) const {
    Cut cut;
    cut.zone = zone;
    cut.parent = parent.zone;
    std::vector<ResourceRecord> servers;
    std::vector<ResourceRecord> signers;
    for (const ResourceRecord& record : is_referral ? response.authority : response.answers) {
        if (record.owner == zone && record.is(RecordType::ns)) {
            servers.push_back(record);
        } else if (record.owner == zone && record.is(RecordType::ds)) {
            signers.push_back(record);
        }
    }
    cut.ns = make_rrset(servers);
    cut.ds = make_rrset(signers);
    cut.until = until(cut.ns.ttl);
    for (const ResourceRecord& record : response.additional) {
        // What lies outside the asked zone is not its business (RFC 5452 §6).
        const auto address = address_in(record, roots_.port);
        if (address && is_at_or_below(record.owner, parent.zone) &&
            std::ranges::find(cut.ns.data, record.owner) != cut.ns.data.end()) {
            cut.glue[record.owner].push_back(*address);
        }
    }
    return cut;
}

awaitable<Result<Cut>> Delegations::find(std::string name, Budget& budget) {
    return find(std::move(name), budget, 0);
}

awaitable<Result<Cut>> Delegations::find(std::string name, Budget& budget, int depth) {
    std::string why;
    for (int attempt = 0; attempt < 2; ++attempt) {
        Cut cut = nearest(name);
        const bool is_from_memory = !cut.zone.empty();
        int steps = 0;
        while (cut.zone != name && steps++ < steps_max) {
            Step step = co_await descend(cut, name, budget, depth);
            if (step.kind == Step::Kind::stuck) {
                why = std::move(step.why);
                break;
            }
            if (step.kind == Step::Kind::here) {
                cut.lacks_name = step.lacks_name;
                co_return cut;
            }
            cut = std::move(step.cut);
            keep(cut);
        }
        if (cut.zone == name) {
            co_return cut;
        }
        if (!is_from_memory) {
            break;
        }
        forget(name);  // the servers may have moved
    }
    co_return Error{Errc::unavailable, why.empty() ? "too many zones above " + escape(name) : why};
}

awaitable<Delegations::Addresses> Delegations::servers_of(
    const Cut& cut, Budget& budget, int depth
) {
    Addresses servers;
    for (const auto& [name, addresses] : cut.glue) {
        servers.insert(servers.end(), addresses.begin(), addresses.end());
    }
    std::size_t named = 0;
    for (const std::string& name : cut.ns.data) {
        if (!servers.empty() || named >= named_servers_max) {
            break;
        }
        if (is_at_or_below(name, cut.zone)) {
            continue;  // whoever wants its address must have it already
        }
        ++named;
        servers = co_await addresses_of(name, cut, budget, depth + 1);
    }
    shuffle(servers);
    co_return servers;
}

// Its servers serve a zone below, too, and answer for that instead of referring to it.
awaitable<Cut> Delegations::make_inner_cut(
    const Cut& cut, std::string zone, net::HostPort server, Budget& budget
) {
    std::vector<Order> orders;
    orders.emplace_back(server, Question{zone, RecordType::ns}, ask_with(Patience::more));
    orders.emplace_back(server, Question{zone, RecordType::ds}, ask_with(Patience::more));
    budget.questions -= 2;
    const auto samples = co_await prober_.ask_all(std::move(orders));
    Cut inner = make_cut(zone, cut, samples[0].response, false);
    inner.ds = rrset_of(samples[1].response, zone, RecordType::ds);
    co_return inner;
}

// What one server's answer says about the way.
awaitable<Delegations::Step> Delegations::read_step(
    const Cut& cut, std::string name, const Sample& sample, Budget& budget
) {
    Step step;
    const Response& response = sample.response;
    step.why = sample.server.text() + ": " + sample.problem;
    if (!sample.is_answered()) {
        co_return step;
    }
    const bool is_absent = response.rcode == rcode::no_such_name;
    if (response.rcode != rcode::no_error && !is_absent) {
        step.why += format_rcode(response.rcode);
        co_return step;
    }
    const auto below = referral_of(response, cut.zone, name);
    if (below && !is_absent) {
        step.kind = Step::Kind::further;
        step.cut = make_cut(*below, cut, response, true);
        co_return step;
    }
    if (!response.authoritative) {
        step.why += "not authoritative";
        co_return step;
    }
    const bool is_apex = !dns::find(response, name, RecordType::ns).empty();
    const std::string inner = is_apex ? name : soa_owner(response);
    if (is_below(inner, cut.zone) && is_at_or_below(name, inner)) {
        step.cut = co_await make_inner_cut(cut, inner, sample.server, budget);
    }
    step.kind = step.cut.ns.empty() ? Step::Kind::here : Step::Kind::further;
    step.lacks_name = is_absent;
    co_return step;
}

awaitable<Delegations::Step> Delegations::descend(
    const Cut& cut, std::string name, Budget& budget, int depth
) {
    const Addresses servers = co_await servers_of(cut, budget, depth);
    Step step;
    std::string last = "its servers have no addresses";
    for (std::size_t turn = 0; turn < 2 * groups_max; ++turn) {
        const Patience patience = turn < groups_max ? Patience::little : Patience::more;
        const std::size_t first = turn % groups_max * group_size;
        const std::size_t end = std::min(first + group_size, servers.size());
        std::vector<Order> orders;
        for (std::size_t at = first; at < end; ++at) {
            orders.emplace_back(servers[at], Question{name, RecordType::ns}, ask_with(patience));
        }
        budget.questions -= static_cast<int>(orders.size());
        if (budget.questions < 0) {
            break;
        }
        const auto samples = co_await prober_.ask_all(std::move(orders));
        for (const Sample& sample : samples) {
            step = co_await read_step(cut, name, sample, budget);
            if (step.kind != Step::Kind::stuck) {
                co_return step;
            }
            last = step.why;
        }
    }
    step.why =
        "no server of " + shown(cut.zone) + " tells where " + escape(name) + " is (" + last + ")";
    co_return step;
}

awaitable<Delegations::Addresses> Delegations::addresses_of(
    std::string host, const Cut& cut, Budget& budget
) {
    return addresses_of(std::move(host), cut, budget, 0);
}

awaitable<Delegations::Addresses> Delegations::addresses_of(
    std::string host, const Cut& cut, Budget& budget, int depth
) {
    if (const auto glue = cut.glue.find(host); glue != cut.glue.end()) {
        co_return glue->second;
    }
    const auto known = hosts_.find(host);
    if (known != hosts_.end() && known->second.until > prober_.clock().now()) {
        co_return known->second.addresses;
    }
    if (depth > depth_max || --budget.questions < 0) {
        co_return Addresses{};
    }
    const auto found = co_await find(host, budget, depth + 1);
    if (!found) {
        auto resolved = co_await ask_resolver(host);
        co_return resolved;
    }
    if (found->lacks_name) {
        co_return Addresses{};
    }
    auto asked = co_await ask_addresses(*found, host, budget, depth + 1);
    co_return asked;
}

awaitable<Delegations::Addresses> Delegations::ask_addresses(
    const Cut& cut, std::string host, Budget& budget, int depth
) {
    Addresses servers = co_await servers_of(cut, budget, depth);
    servers.resize(std::min(servers.size(), 2 * group_size));
    std::vector<Sample> samples;
    for (const Patience patience : {Patience::little, Patience::more}) {
        std::vector<Order> orders;
        for (const net::HostPort& server : servers) {
            for (const RecordType type : {RecordType::a, RecordType::aaaa}) {
                orders.emplace_back(server, Question{host, type}, ask_with(patience));
            }
        }
        budget.questions -= static_cast<int>(orders.size());
        samples = co_await prober_.ask_all(std::move(orders));
        if (std::ranges::any_of(samples, &Sample::is_answered)) {
            break;
        }
    }
    Addresses addresses;
    seconds ttl = kept_for_max;
    for (const Sample& sample : samples) {
        if (!sample.response.authoritative) {
            continue;
        }
        for (const ResourceRecord& record : sample.response.answers) {
            const auto address = address_in(record, roots_.port);
            if (address && record.owner == host) {
                ttl = std::min(ttl, record.ttl);
                addresses.push_back(*address);
            }
        }
    }
    std::ranges::sort(addresses, {}, &net::HostPort::host);
    const auto repeated = std::ranges::unique(addresses);
    addresses.erase(repeated.begin(), repeated.end());
    if (!addresses.empty() && hosts_.size() < kept_max) {
        hosts_.insert_or_assign(host, Known{addresses, until(ttl)});
    } else if (hosts_.size() >= kept_max) {
        hosts_.clear();
    }
    co_return addresses;
}

awaitable<Delegations::Addresses> Delegations::ask_resolver(std::string host) {
    Addresses addresses;
    for (const RecordType type : {RecordType::a, RecordType::aaaa}) {
        auto question = resolver_.query(host, type);
        std::string what = "DNS about " + host;
        const auto answer =
            co_await net::with_deadline(std::move(question), resolver_time, std::move(what));
        if (!answer) {
            break;
        }
        for (const Address& address : answer->all<Address>()) {
            addresses.emplace_back(address.text, roots_.port);
        }
    }
    co_return addresses;
}

}  // namespace siding::dns

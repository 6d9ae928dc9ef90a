#include "cutover/dns_names.hpp"

#include "cutover/recursive_lookup.hpp"
#include "dns/host_names.hpp"
#include "dns/mta_sts.hpp"
#include "dns/record.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace siding::cutover {
namespace {

using net::awaitable;
using std::chrono::milliseconds;

constexpr std::size_t hosts_max = 16;         // of one domain
constexpr std::size_t hosts_kept_max = 2000;  // of all
// A host of which nobody says anything costs a look some seconds.
constexpr auto silence = std::chrono::minutes{1};
constexpr auto policy_interval = std::chrono::hours{1};
constexpr auto failed_policy_interval = std::chrono::minutes{5};

// The newest announcement of any server; empty: none of them has one.
std::string announcement_in(const dns::History& history, const Domain& domain) {
    const std::string name = std::string{dns::sts_label} + domain.text();
    std::string found;
    WallTime newest{};
    for (const auto& [server, epochs] :
         history.by_server(name, static_cast<std::uint16_t>(dns::RecordType::txt))) {
        if (!epochs.back().data.empty() && epochs.back().first >= newest) {
            newest = epochs.back().first;
            found = epochs.back().data;
        }
    }
    return found;
}

}  // namespace

DnsNames::DnsNames(dns::Prober& prober, net::asio::any_io_executor blocking)
    : prober_{prober}, clock_{prober.clock()}, blocking_{std::move(blocking)} {}

awaitable<std::vector<dns::Served>> DnsNames::look_at(
    std::shared_ptr<dns::Authority> authority, std::string host, milliseconds age_max
) {
    const auto known = hosts_.find(host);
    if (known != hosts_.end()) {
        const auto kept = known->second.served.empty() ? milliseconds{silence} : age_max;
        if (clock_.now() - known->second.at < kept) {
            co_return known->second.served;
        }
    }
    Known now;
    now.at = clock_.now();
    now.served = co_await dns::look_at_host(*authority, host);
    if (hosts_.size() >= hosts_kept_max) {
        hosts_.clear();
    }
    hosts_.insert_or_assign(std::move(host), now);
    co_return now.served;
}

awaitable<std::vector<dns::Served>> DnsNames::look(
    std::shared_ptr<dns::Authority> authority,
    Domain domain,
    std::vector<std::string> hosts,
    milliseconds age_max
) {
    auto all = co_await dns::look_at_announcement(*authority, domain.text());
    std::erase(hosts, ".");  // of a null MX
    hosts.resize(std::min(hosts.size(), hosts_max));
    for (const std::string& host : hosts) {
        auto served = co_await look_at(authority, host, age_max);
        std::ranges::move(served, std::back_inserter(all));
    }
    co_return all;
}

bool DnsNames::take_turn(const Domain& domain, const dns::History& history) {
    std::string announcement = announcement_in(history, domain);
    if (announcement.empty()) {
        turns_.erase(domain);
        return false;
    }
    const WallTime now = clock_.now();
    const auto policies =
        history.by_server(std::string{dns::sts_host_label} + domain.text(), dns::policy_type);
    Turn& turn = turns_[domain];
    // What is in the history since the last turn is what came of it.
    const bool has_come = !policies.empty() && policies.begin()->second.back().last >= turn.at;
    const auto interval = has_come ? milliseconds{policy_interval} : failed_policy_interval;
    if (turn.announcement == announcement && now - turn.at < interval) {
        return false;
    }
    turn.announcement = std::move(announcement);
    turn.at = now;
    return true;
}

awaitable<FetchedPolicy> DnsNames::fetch(Domain domain, const config::Dns& dns) {
    std::vector<net::HostPort> resolvers;
    for (const config::Endpoint& server : dns.servers) {
        resolvers.emplace_back(server.host, server.port);
    }
    const RecursiveLookup lookup{prober_, std::move(resolvers), blocking_};
    auto view = co_await look_at_sts(lookup, domain.text(), fetching_);
    FetchedPolicy fetched;
    if (view.has_error()) {
        fetched.problem = view.error().message();
        co_return fetched;
    }
    if (!view->policy) {
        fetched.problem = view->page_problem.empty()
                              ? "the resolver knows of none yet"
                              : "it cannot be fetched: " + view->page_problem;
        co_return fetched;
    }
    dns::Served served;
    served.server = "policy over HTTPS";
    served.name = std::string{dns::sts_host_label} + domain.text();
    served.type = dns::policy_type;
    served.data = dns::format_sts_policy(*view->policy);
    served.ttl = view->policy->max_age;
    served.at = clock_.now();
    fetched.policy = std::move(served);
    co_return fetched;
}

}  // namespace siding::cutover

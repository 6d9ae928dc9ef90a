// What hangs on the MX hosts and on a domain's policy, for the watch: addresses and TLSA records of
// the hosts, the announcement of an MTA-STS policy, the policy itself. Hosts that several domains
// share are asked once for all of them.
//
// Lives on the executor of its watch.
#pragma once

#include "base/clock.hpp"
#include "base/domain.hpp"
#include "config/config.hpp"
#include "cutover/sts_policy.hpp"
#include "dns/authority.hpp"
#include "dns/history.hpp"
#include "net/asio.hpp"

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace siding::cutover {

// What came of fetching a policy.
struct FetchedPolicy {
    FetchedPolicy() = default;  // no aggregate: net/asio.hpp

    std::optional<dns::Served> policy;  // dns::policy_type
    std::string problem;                // why there is none, in words
};

class DnsNames {
public:
    DnsNames(dns::Prober& prober, net::asio::any_io_executor blocking);

    // What servers say of the hosts, at most so old, and of the domain's announcement.
    net::awaitable<std::vector<dns::Served>> look(
        std::shared_ptr<dns::Authority> authority,
        Domain domain,
        std::vector<std::string> hosts,
        std::chrono::milliseconds age_max
    );

    // Whether the policy is to be fetched now: it is announced, and the announcement is another
    // one, or the last look at it is an hour old. Counted if so.
    bool take_turn(const Domain& domain, const dns::History& history);
    net::awaitable<FetchedPolicy> fetch(Domain domain, const config::Dns& dns);

    void set_fetching(StsFetchOptions options) { fetching_ = std::move(options); }

private:
    struct Known {
        std::vector<dns::Served> served;
        WallTime at{};
    };
    struct Turn {
        std::string announcement;
        WallTime at{};
    };

    net::awaitable<std::vector<dns::Served>> look_at(
        std::shared_ptr<dns::Authority> authority,
        std::string host,
        std::chrono::milliseconds age_max
    );

    dns::Prober& prober_;
    const Clock& clock_;
    net::asio::any_io_executor blocking_;
    StsFetchOptions fetching_;
    std::map<std::string, Known> hosts_;
    std::map<Domain, Turn> turns_;
};

}  // namespace siding::cutover

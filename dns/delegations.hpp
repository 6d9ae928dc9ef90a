// The way from the roots down to a zone (RFC 1034 §5.3.3), asked without recursion: which servers
// are told to serve it, by its parent. Keeps what it learns for its TTL, at most five minutes.
// Lives on one executor, which is serial.
#pragma once

#include "base/clock.hpp"
#include "base/result.hpp"
#include "dns/authority.hpp"
#include "dns/prober.hpp"
#include "dns/resolver.hpp"

#include <map>
#include <string>
#include <utility>
#include <vector>

namespace siding::dns {

// A zone as its parent has it.
struct Cut {
    Cut() = default;  // no aggregate: net/asio.hpp

    std::string zone;    // empty: the root
    std::string parent;  // empty: the root
    RrSet ns;
    RrSet ds;
    std::map<std::string, std::vector<net::HostPort>> glue;
    WallTime until{};         // after this it is asked for again
    bool lacks_name = false;  // the zone says that the name which was looked for does not exist
};

// How many questions one errand may cost: servers' names that lead in circles end it.
struct Budget {
    int questions = 300;
};

class Delegations {
public:
    Delegations(Prober& prober, Resolver& resolver, Roots roots);

    // The zone at or above the name. Errc::unavailable when its way ends at silent or lame servers.
    net::awaitable<Result<Cut>> find(std::string name, Budget& budget);

    // Glue, else what the host's own zone says, else what the resolver does. None is an answer.
    net::awaitable<std::vector<net::HostPort>> addresses_of(
        std::string host, const Cut& cut, Budget& budget
    );

private:
    using Addresses = std::vector<net::HostPort>;
    struct Known {
        Addresses addresses;
        WallTime until;
    };
    struct Step;

    net::awaitable<Result<Cut>> find(std::string name, Budget& budget, int depth);
    net::awaitable<Addresses> addresses_of(
        std::string host, const Cut& cut, Budget& budget, int depth
    );
    net::awaitable<Step> descend(const Cut& cut, std::string name, Budget& budget, int depth);
    net::awaitable<Step> read_step(
        const Cut& cut, std::string name, const Sample& sample, Budget& budget
    );
    net::awaitable<Addresses> servers_of(const Cut& cut, Budget& budget, int depth);
    net::awaitable<Cut> make_inner_cut(
        const Cut& cut, std::string zone, net::HostPort server, Budget& budget
    );
    net::awaitable<Addresses> ask_addresses(const Cut& cut, std::string host, Budget& budget, int);
    net::awaitable<Addresses> ask_resolver(std::string host);

    Cut make_cut(
        const std::string& zone, const Cut& parent, const Response& response, bool is_referral
    ) const;
    Cut nearest(const std::string& name) const;
    void keep(const Cut& cut);
    void forget(const std::string& name);
    WallTime until(std::chrono::seconds ttl) const;

    Prober& prober_;
    Resolver& resolver_;
    Roots roots_;
    std::map<std::string, Cut> cuts_;     // by zone
    std::map<std::string, Known> hosts_;  // addresses of servers that lie elsewhere
};

}  // namespace siding::dns

// Finds out where one "host:port" of a server leads, now: literal addresses, the system's names, or
// DNS with its MX and TLSA records (RFC 5321 §5.1, RFC 7505, RFC 7672). Keeps nothing.
#pragma once

#include "config/config.hpp"
#include "dns/resolver.hpp"
#include "relay/next_hop.hpp"

#include <chrono>
#include <compare>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace siding::relay {

struct NextHopQuestion {
    NextHopQuestion() = default;  // no aggregate: net/asio.hpp

    config::Endpoint endpoint;
    bool is_mx = false;  // the host is a domain
    bool is_dane = false;

    auto operator<=>(const NextHopQuestion&) const = default;
};

struct NextHopAnswer {
    NextHopAnswer() = default;

    std::vector<Candidate> candidates;  // at least one, in order
    std::chrono::seconds ttl{0};
};

// In the order of their preferences, by chance among equals. RFC 5321 §5.1: who is an MX host
// himself delivers to better ones only, so our own name and all behind it are taken out.
std::vector<dns::Mx> order_mx(
    std::vector<dns::Mx> records, const std::string& own_hostname, std::uint32_t seed
);

class NextHopLookup {
public:
    NextHopLookup(dns::Resolver& resolver, std::shared_ptr<const config::Config> config)
        : resolver_{resolver}, config_{std::move(config)} {}

    // As NextHops::find, but for one endpoint; addresses of our own are found by their MX records
    // alone.
    net::awaitable<Result<NextHopAnswer>> run(NextHopQuestion question);

private:
    // What the candidates of one host have in common.
    struct Host;

    net::awaitable<Result<NextHopAnswer>> ask_mx(NextHopQuestion question);
    net::awaitable<Result<NextHopAnswer>> ask_hosts(Host domain, std::vector<dns::Mx> records);
    net::awaitable<Result<NextHopAnswer>> ask_dns(Host host);
    net::awaitable<Result<NextHopAnswer>> ask_system(NextHopQuestion question);
    net::awaitable<Result<dns::Answer>> ask_tlsa(Host host);
    net::awaitable<Result<void>> add_tlsa(Host host, std::string alias, NextHopAnswer& answer);
    bool is_own(const std::vector<Candidate>& candidates) const;

    dns::Resolver& resolver_;
    std::shared_ptr<const config::Config> config_;
};

}  // namespace siding::relay

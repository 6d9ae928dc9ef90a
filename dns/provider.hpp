// Whose mail it is: a sender as the organisation behind the client that spoke to us.
#pragma once

#include <string>
#include <string_view>

namespace siding::dns {

struct Client {
    std::string name{};              // confirmed by DNS both ways; empty or "unknown" if it is not
    std::string address{};           // "192.0.2.1"
    std::string helo{};              // what it called itself
    bool is_helo_confirmed = false;  // the name of HELO has the client's address
};

// The registrable domain of the client's name ("google.com" for mail-wr1-f51.google.com), else of a
// confirmed HELO, else its network: IPv4 /24, IPv6 /48. Empty if nothing is known.
std::string provider_of(const Client& client);

// By the public suffix list, private registries included; empty for what is no host name, and for a
// suffix itself.
std::string registrable_domain(std::string_view name);

// "192.0.2.0/24", "2001:db8:1::/48"; empty for what is no address.
std::string provider_network(std::string_view address);

}  // namespace siding::dns

// IP networks as values: who is trusted or exempt, and which addresses count as one client.
// Addresses come as text, as sockets and proxies show them. An IPv4-mapped IPv6 address
// (::ffff:192.0.2.1, RFC 4291 §2.5.5.2) is that IPv4 address everywhere here; a zone (%eth0) is
// not looked at.
#pragma once

#include "base/result.hpp"

#include <array>
#include <span>
#include <string>
#include <string_view>

namespace siding {

class Network {
public:
    // "10.0.0.0/8", "2001:db8::/32", or one address. Errc::invalid_argument otherwise, also where
    // bits are set behind the prefix; the context says what to write.
    static Result<Network> parse(std::string_view text);

    // False for what is no address.
    bool contains(std::string_view address) const;

    // In canonical form; one address has no prefix.
    std::string text() const;

    bool operator==(const Network&) const = default;

private:
    Network() = default;

    std::array<unsigned char, 16> octets_{};  // IPv4: mapped
    unsigned prefix_ = 0;                     // of the 128 bits
};

bool contains(std::span<const Network> networks, std::string_view address);

// Whose share a connection counts against. An IPv4 client has one address, an IPv6 client a /64
// (RFC 4291 §2.5.4): "192.0.2.1", "2001:db8::/64"; what is no address stays as it is.
std::string client_network_of(std::string_view address);

// The network of that size that an address belongs to: "192.0.2.0/24", "2001:db8:1::/48". Empty for
// what is no address.
struct NetworkSize {
    unsigned ipv4_prefix = 32;
    unsigned ipv6_prefix = 128;
};
std::string network_of(std::string_view address, NetworkSize size);

}  // namespace siding

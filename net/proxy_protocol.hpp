// The PROXY protocol of HAProxy, versions 1 and 2: who is really speaking, said by a load balancer
// before the first octet of the connection. Pure. Who may say it is the caller's business.
// "§" means a section of HAProxy's doc/proxy-protocol.txt.
#pragma once

#include "net/endpoint.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace siding::net {

// §2.1: the longest line of version 1, CRLF included.
inline constexpr std::size_t proxy_v1_octets_max = 107;
// Version 2 could be 64 KiB of TLVs; 52 octets are addresses, and certificates are not ours to
// read.
inline constexpr std::size_t proxy_v2_octets_max = 4096;

struct ProxyHeader {
    // LOCAL, UNKNOWN, or a family that is not TCP over IP: the connection's own ends count, and the
    // two below are empty.
    bool local = true;
    Endpoint source;
    Endpoint destination;
    std::optional<std::string> tls_version;  // §2.2.5, printable: TLS ended at the load balancer
    std::optional<std::string> tls_cipher;

    bool operator==(const ProxyHeader&) const = default;
};

struct ProxyParse {
    enum class Status { need_more, complete, malformed };

    Status status = Status::need_more;
    std::size_t consumed = 0;  // octets of a complete header
    ProxyHeader header = {};
    std::string_view reason = {};  // of a malformed one; static text
    bool foreign = false;          // malformed because it has not even the signature
};

// The header that `octets` begin with; what follows it is not looked at.
ProxyParse parse_proxy_header(std::string_view octets);

// §2.2: version 2, PROXY, TCP, without TLVs: the client and the address that it had connected to.
// Where one of them is no IP address it says LOCAL; where the families differ, the IPv4 one is
// mapped into IPv6 (RFC 4291 §2.5.5.2).
std::string format_proxy_v2(const Endpoint& source, const Endpoint& destination);

}  // namespace siding::net

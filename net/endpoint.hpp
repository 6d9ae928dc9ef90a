// Addresses of the network as values: an end of a connection, and a "host:port" of a configuration.
// Knows texts and socket addresses, resolves nothing.
#pragma once

#include "base/result.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

struct sockaddr;

namespace siding::net {

enum class Family { ipv4, ipv6, local };

// One end of a connection. An IPv4 address mapped into IPv6 (RFC 4291 §2.5.5.2) is shown as IPv4.
struct Endpoint {
    Family family = Family::local;
    std::string address;  // "192.0.2.1", "2001:db8::1", or the path of a Unix socket (may be empty)
    std::uint16_t port = 0;

    std::string text() const;  // "192.0.2.1:25", "[2001:db8::1]:25", "unix:/run/x.sock"
    bool operator==(const Endpoint&) const = default;
};

// A family that is none of ours gives an empty local endpoint.
Endpoint make_endpoint(const sockaddr* address, std::size_t size_bytes);

// The ends of a connected or listening socket; empty local endpoints after it is gone.
Endpoint local_endpoint_of(int socket);
Endpoint peer_endpoint_of(int socket);

// The process at the other end of a Unix socket, as the kernel saw it at connect time.
struct PeerCredentials {
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
    std::int32_t pid = 0;
};
std::optional<PeerCredentials> credentials_of(int socket);

struct HostPort {
    HostPort() = default;  // no aggregate: net/asio.hpp
    HostPort(std::string name, std::uint16_t number) : host{std::move(name)}, port{number} {}

    std::string host;  // a name or a literal address, without brackets
    std::uint16_t port = 0;

    // "mail.example:25", "192.0.2.1:25", "[2001:db8::1]:25"; the port may be left out where
    // `default_port` is given. Errc::invalid_argument says what is allowed.
    static Result<HostPort> parse(
        std::string_view text, std::optional<std::uint16_t> default_port = {}
    );

    bool is_literal() const;  // the host is an IP address
    std::string text() const;
    bool operator==(const HostPort&) const = default;
};

}  // namespace siding::net

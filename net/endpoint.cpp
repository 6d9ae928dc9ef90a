#include "net/endpoint.hpp"

#include "base/bytes.hpp"

#include <boost/asio/ip/address.hpp>
#include <boost/system/error_code.hpp>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstring>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

namespace siding::net {
namespace {

namespace ip = boost::asio::ip;

std::string bracketed(std::string_view host, std::uint16_t port) {
    const bool is_ipv6 = host.find(':') != std::string_view::npos;
    std::string text{is_ipv6 ? "[" : ""};
    text.append(host).append(is_ipv6 ? "]:" : ":").append(std::to_string(port));
    return text;
}

Endpoint make_ipv6(const sockaddr_in6& in6) {
    ip::address_v6::bytes_type octets;
    std::memcpy(octets.data(), &in6.sin6_addr, octets.size());
    const ip::address_v6 address{octets, in6.sin6_scope_id};
    const std::uint16_t port = ntohs(in6.sin6_port);
    if (address.is_v4_mapped()) {
        return {Family::ipv4, ip::make_address_v4(ip::v4_mapped, address).to_string(), port};
    }
    return {Family::ipv6, address.to_string(), port};
}

Endpoint make_local(const sockaddr* address, std::size_t size_bytes) {
    const std::size_t prefix = offsetof(sockaddr_un, sun_path);
    if (size_bytes <= prefix) {
        return {};
    }
    const auto* path = reinterpret_cast<const char*>(address) + prefix;
    return {Family::local, std::string{path, ::strnlen(path, size_bytes - prefix)}, 0};
}

using Getter = int (*)(int, sockaddr*, socklen_t*);

Endpoint ask(Getter get, int socket) {
    sockaddr_storage storage{};
    socklen_t size = sizeof storage;
    auto* address = reinterpret_cast<sockaddr*>(&storage);
    if (get(socket, address, &size) != 0) {
        return {};
    }
    return make_endpoint(address, size);
}

Result<std::uint16_t> parse_port(std::string_view text) {
    std::uint16_t port = 0;
    const char* end = text.data() + text.size();
    const auto [stop, failure] = std::from_chars(text.data(), end, port);
    if (failure != std::errc{} || stop != end) {
        return Error{Errc::invalid_argument, "port \"" + escape(text) + "\" is not 0 to 65535"};
    }
    return port;
}

}  // namespace

std::string Endpoint::text() const {
    return family == Family::local ? "unix:" + address : bracketed(address, port);
}

Endpoint make_endpoint(const sockaddr* address, std::size_t size_bytes) {
    if (address->sa_family == AF_INET) {
        sockaddr_in in{};
        std::memcpy(&in, address, std::min(sizeof in, size_bytes));
        const ip::address_v4 host{ntohl(in.sin_addr.s_addr)};
        return {Family::ipv4, host.to_string(), ntohs(in.sin_port)};
    }
    if (address->sa_family == AF_INET6) {
        sockaddr_in6 in6{};
        std::memcpy(&in6, address, std::min(sizeof in6, size_bytes));
        return make_ipv6(in6);
    }
    if (address->sa_family == AF_UNIX) {
        return make_local(address, size_bytes);
    }
    return {};
}

Endpoint local_endpoint_of(int socket) {
    return ask(::getsockname, socket);
}

Endpoint peer_endpoint_of(int socket) {
    return ask(::getpeername, socket);
}

std::optional<PeerCredentials> credentials_of(int socket) {
    ucred credentials{};
    socklen_t size = sizeof credentials;
    if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0 ||
        credentials.uid == static_cast<uid_t>(-1)) {
        return std::nullopt;
    }
    return PeerCredentials{credentials.uid, credentials.gid, credentials.pid};
}

Result<HostPort> HostPort::parse(std::string_view text, std::optional<std::uint16_t> default_port) {
    const Error malformed{
        Errc::invalid_argument,
        "address \"" + escape(text) + "\" must be host:port, 192.0.2.1:port or [2001:db8::1]:port"};
    std::string_view host = text;
    std::string_view rest;
    if (text.starts_with('[')) {
        const std::size_t close = text.find(']');
        if (close == std::string_view::npos) {
            return malformed;
        }
        host = text.substr(1, close - 1);
        rest = text.substr(close + 1);
        if (host.find(':') == std::string_view::npos) {
            return malformed;
        }
    } else if (const std::size_t colon = text.find(':'); colon != std::string_view::npos) {
        host = text.substr(0, colon);
        rest = text.substr(colon);
    }
    HostPort result{std::string{host}, default_port.value_or(0)};
    const bool has_port = rest.starts_with(':');
    if (host.empty() || has_port == rest.empty() || (!has_port && !default_port)) {
        return malformed;
    }
    if (has_port) {
        SIDING_ASSIGN(result.port, parse_port(rest.substr(1)));
    }
    if (text.starts_with('[') && !result.is_literal()) {
        return malformed;
    }
    return result;
}

bool HostPort::is_literal() const {
    boost::system::error_code code;
    ip::make_address(host, code);
    return !code;
}

std::string HostPort::text() const {
    return bracketed(host, port);
}

}  // namespace siding::net

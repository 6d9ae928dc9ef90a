#include "config/endpoint.hpp"

#include "base/bytes.hpp"
#include "base/domain.hpp"
#include "config/units.hpp"

#include <arpa/inet.h>
#include <array>
#include <fmt/format.h>
#include <limits>

namespace siding::config {
namespace {

std::optional<std::string> canonical(int family, std::string_view host) {
    std::array<unsigned char, sizeof(in6_addr)> octets{};
    std::array<char, INET6_ADDRSTRLEN> text{};
    if (inet_pton(family, std::string{host}.c_str(), octets.data()) != 1 ||
        inet_ntop(family, octets.data(), text.data(), text.size()) == nullptr) {
        return std::nullopt;
    }
    return text.data();
}

Error wrong(std::string_view text, std::string_view why) {
    return {
        Errc::invalid_argument,
        fmt::format(
            "'{}' {}; write host:port, such as mail.example:25, 192.0.2.1:25 or [2001:db8::1]:25",
            escape(text),
            why
        )};
}

struct Parts {
    std::string_view host;
    std::optional<std::string_view> port;
    bool bracketed = false;
};

Result<Parts> split(std::string_view text) {
    if (text.starts_with('[')) {
        const auto close = text.find(']');
        if (close == std::string_view::npos) {
            return wrong(text, "has no closing bracket");
        }
        const auto rest = text.substr(close + 1);
        if (!rest.empty() && rest.front() != ':') {
            return wrong(text, "has something other than a port after the bracket");
        }
        const auto port = rest.empty() ? std::nullopt : std::optional{rest.substr(1)};
        return Parts{text.substr(1, close - 1), port, true};
    }
    const auto colon = text.find(':');
    if (colon == std::string_view::npos) {
        return Parts{text, std::nullopt};
    }
    if (text.find(':', colon + 1) != std::string_view::npos) {
        return wrong(text, "has more than one colon (IPv6 addresses stand in brackets)");
    }
    return Parts{text.substr(0, colon), text.substr(colon + 1)};
}

Result<std::string> parse_host(const Parts& parts, std::string_view text) {
    if (parts.bracketed) {
        auto address = canonical(AF_INET6, parts.host);
        if (!address) {
            return wrong(text, "has no IPv6 address in the brackets");
        }
        return std::move(*address);
    }
    if (auto address = canonical(AF_INET, parts.host)) {
        return std::move(*address);
    }
    const auto name = Domain::parse(parts.host);
    // RFC 3696 §2: no top-level domain is all digits, so this is a mistyped IPv4 address.
    const auto last_label = parts.host.substr(parts.host.rfind('.') + 1);
    if (!name || parse_count(last_label)) {
        return wrong(text, "names no host");
    }
    return name->text();
}

}  // namespace

Result<Endpoint> parse_endpoint(std::string_view text, std::optional<std::uint16_t> default_port) {
    SIDING_ASSIGN(const Parts parts, split(text));
    Endpoint endpoint;
    SIDING_ASSIGN(endpoint.host, parse_host(parts, text));
    if (!parts.port) {
        if (!default_port) {
            return wrong(text, "has no port");
        }
        endpoint.port = *default_port;
        return endpoint;
    }
    const auto port = parse_count(*parts.port);
    if (!port || *port > std::numeric_limits<std::uint16_t>::max()) {
        return wrong(text, "has no port from 0 to 65535 after the colon");
    }
    endpoint.port = static_cast<std::uint16_t>(*port);
    return endpoint;
}

std::string format_endpoint(const Endpoint& endpoint) {
    const bool six = endpoint.host.find(':') != std::string::npos;
    return six ? fmt::format("[{}]:{}", endpoint.host, endpoint.port)
               : fmt::format("{}:{}", endpoint.host, endpoint.port);
}

Result<Endpoint> parse_http_url(std::string_view text) {
    constexpr std::string_view scheme = "http://";
    if (!text.starts_with(scheme)) {
        return Error{
            Errc::invalid_argument,
            fmt::format("'{}' is no URL here; write http://host:port", escape(text))};
    }
    auto host = text.substr(scheme.size());
    if (host.ends_with('/')) {
        host.remove_suffix(1);
    }
    return parse_endpoint(host);
}

bool is_ip_address(std::string_view host) {
    return canonical(AF_INET, host).has_value() || canonical(AF_INET6, host).has_value();
}

bool is_loopback_address(std::string_view host) {
    return host == "::1" || (canonical(AF_INET, host).has_value() && host.starts_with("127."));
}

}  // namespace siding::config

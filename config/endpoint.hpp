// "host:port" as a value. Names are not resolved here.
#pragma once

#include "base/result.hpp"

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace siding::config {

struct Endpoint {
    std::string host;  // a domain name, or an IP address without brackets in canonical form
    std::uint16_t port = 0;

    auto operator<=>(const Endpoint&) const = default;
};

// "mail.example:25", "192.0.2.1:25", "[2001:db8::1]:25"; the port may be missing only where a
// default is given.
Result<Endpoint> parse_endpoint(
    std::string_view text, std::optional<std::uint16_t> default_port = std::nullopt
);
std::string format_endpoint(const Endpoint& endpoint);

// "http://127.0.0.1:11333", with its port, without a path.
Result<Endpoint> parse_http_url(std::string_view text);

bool is_ip_address(std::string_view host);
bool is_loopback_address(std::string_view host);  // 127.0.0.0/8 or ::1

}  // namespace siding::config

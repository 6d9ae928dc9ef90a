#include "cutover/reverse_name.hpp"

#include "base/network.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <fmt/format.h>
#include <span>
#include <vector>

namespace siding::cutover {
namespace {

// RFC 6890 and its successors.
constexpr std::array special_networks{
    "0.0.0.0/8",       "10.0.0.0/8",     "100.64.0.0/10", "127.0.0.0/8",    "169.254.0.0/16",
    "172.16.0.0/12",   "192.0.0.0/24",   "192.0.2.0/24",  "192.168.0.0/16", "198.18.0.0/15",
    "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/3",   "::/128",         "::1/128",
    "64:ff9b:1::/48",  "100::/64",       "2001:db8::/32", "fc00::/7",       "fe80::/10",
    "ff00::/8",
};

}  // namespace

std::string reverse_name(std::string_view address, std::string_view zone) {
    const std::string text{address};
    std::array<unsigned char, 16> octets{};
    std::string name;
    if (::inet_pton(AF_INET, text.c_str(), octets.data()) == 1) {
        name = fmt::format("{}.{}.{}.{}.", octets[3], octets[2], octets[1], octets[0]);
        return name + (zone.empty() ? "in-addr.arpa" : std::string{zone});
    }
    if (::inet_pton(AF_INET6, text.c_str(), octets.data()) != 1) {
        return {};
    }
    for (auto octet = octets.rbegin(); octet != octets.rend(); ++octet) {
        name += fmt::format("{:x}.{:x}.", *octet & 0xf, *octet >> 4);
    }
    return name + (zone.empty() ? "ip6.arpa" : std::string{zone});
}

bool is_public_address(std::string_view address) {
    if (reverse_name(address, "").empty()) {
        return false;
    }
    return std::ranges::none_of(special_networks, [&](const char* network) {
        const auto parsed = Network::parse(network);
        return parsed.has_value() && parsed->contains(address);
    });
}

}  // namespace siding::cutover

#include "base/network.hpp"

#include "base/bytes.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <charconv>
#include <fmt/format.h>
#include <netinet/in.h>
#include <optional>

namespace siding {
namespace {

constexpr unsigned mapped_bits = 96;
constexpr unsigned client_prefix = 64;

using Octets = std::array<unsigned char, 16>;

std::optional<Octets> parse_address(std::string_view text) {
    const auto address = std::string{text.substr(0, text.find('%'))};
    Octets octets{};
    if (inet_pton(AF_INET6, address.c_str(), octets.data()) == 1) {
        return octets;
    }
    octets.fill(0);
    octets[10] = octets[11] = 0xff;
    if (inet_pton(AF_INET, std::string{text}.c_str(), octets.data() + 12) == 1) {
        return octets;
    }
    return std::nullopt;
}

bool is_mapped(const Octets& octets) {
    return std::all_of(
               octets.begin(), octets.begin() + 10, [](unsigned char o) { return o == 0; }
           ) &&
           octets[10] == 0xff && octets[11] == 0xff;
}

Octets masked(const Octets& octets, unsigned prefix) {
    Octets out{};
    for (unsigned i = 0; i < out.size(); ++i) {
        const int left = static_cast<int>(prefix) - static_cast<int>(i) * 8;
        const auto bits = static_cast<unsigned>(std::clamp(left, 0, 8));
        out.at(i) = static_cast<unsigned char>(octets.at(i) & (0xff00U >> bits));
    }
    return out;
}

std::string format_address(const Octets& octets) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    const bool four = is_mapped(octets);
    inet_ntop(four ? AF_INET : AF_INET6, octets.data() + (four ? 12 : 0), text.data(), text.size());
    return text.data();
}

std::string format_network(const Octets& octets, unsigned prefix) {
    const std::string address = format_address(octets);
    if (prefix == 128) {
        return address;
    }
    const bool four = is_mapped(octets) && prefix >= mapped_bits;
    return fmt::format("{}/{}", address, four ? prefix - mapped_bits : prefix);
}

std::optional<unsigned> parse_prefix(std::string_view text, unsigned bits_max) {
    unsigned prefix = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), prefix);
    const bool good = error == std::errc{} && end == text.data() + text.size();
    return good && prefix <= bits_max ? std::optional{prefix} : std::nullopt;
}

Error wrong(std::string_view text, std::string_view why) {
    return {Errc::invalid_argument, fmt::format("'{}' {}", escape(text), why)};
}

}  // namespace

Result<Network> Network::parse(std::string_view text) {
    const auto slash = text.find('/');
    const auto address = text.substr(0, slash);
    const auto octets = parse_address(address);
    if (!octets || address.find('%') != std::string_view::npos) {
        return wrong(text, "is no network; write 192.0.2.1, 10.0.0.0/8 or 2001:db8::/32");
    }
    Network network;
    network.octets_ = *octets;
    network.prefix_ = 128;
    if (slash == std::string_view::npos) {
        return network;
    }
    const unsigned hidden_bits = address.find(':') == std::string_view::npos ? mapped_bits : 0;
    const auto prefix = parse_prefix(text.substr(slash + 1), 128 - hidden_bits);
    if (!prefix) {
        return wrong(
            text, fmt::format("has no prefix length from 0 to {} after the /", 128 - hidden_bits)
        );
    }
    network.prefix_ = *prefix + hidden_bits;
    network.octets_ = masked(*octets, network.prefix_);
    if (network.octets_ != *octets) {
        return wrong(text, fmt::format("has bits set behind the prefix; write {}", network.text()));
    }
    return network;
}

bool Network::contains(std::string_view address) const {
    const auto octets = parse_address(address);
    // ::/0 is every IPv6 address, and no IPv4 address only because that is written 0.0.0.0/0.
    return octets && masked(*octets, prefix_) == octets_ &&
           (prefix_ >= mapped_bits || !is_mapped(*octets));
}

std::string Network::text() const {
    return format_network(octets_, prefix_);
}

bool contains(std::span<const Network> networks, std::string_view address) {
    return std::ranges::any_of(networks, [&](const Network& network) {
        return network.contains(address);
    });
}

std::string client_network_of(std::string_view address) {
    const auto octets = parse_address(address);
    if (!octets) {
        return std::string{address};
    }
    return is_mapped(*octets) ? format_address(*octets)
                              : format_network(masked(*octets, client_prefix), client_prefix);
}

std::string network_of(std::string_view address, NetworkSize size) {
    const auto octets = parse_address(address);
    if (!octets) {
        return {};
    }
    const unsigned prefix = is_mapped(*octets) ? size.ipv4_prefix + mapped_bits : size.ipv6_prefix;
    return format_network(masked(*octets, prefix), prefix);
}

}  // namespace siding

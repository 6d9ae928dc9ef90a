// Macros of SPF (RFC 7208 §7), and the addresses that they and the mechanisms speak of.
#include "base/bytes.hpp"
#include "dns/spf.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <span>
#include <vector>

namespace siding::dns {
namespace {

constexpr std::size_t name_max = 253;

struct IpAddress {
    std::array<unsigned char, 16> octets{};
    std::size_t size = 0;  // 4 or 16; 0 for what is no address

    std::span<const unsigned char> view() const { return std::span{octets}.first(size); }
};

IpAddress parse_address(std::string_view text) {
    constexpr std::array<unsigned char, 12> mapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
    const std::string name{text};
    IpAddress address;
    if (::inet_pton(AF_INET, name.c_str(), address.octets.data()) == 1) {
        address.size = 4;
    } else if (::inet_pton(AF_INET6, name.c_str(), address.octets.data()) == 1) {
        address.size = 16;
        if (std::ranges::equal(address.view().first(mapped.size()), mapped)) {
            std::ranges::copy(std::span{address.octets}.last(4), address.octets.begin());
            address.size = 4;
        }
    }
    return address;
}

// §7.3: dotted quad, or nibbles with dots between them.
std::string dotted(const IpAddress& address) {
    std::string text;
    for (const unsigned char octet : address.view()) {
        text += text.empty() ? "" : ".";
        if (address.size == 4) {
            text += std::to_string(octet);
        } else {
            constexpr std::string_view digits = "0123456789abcdef";
            text += digits[octet >> 4];
            text += '.';
            text += digits[octet & 15U];
        }
    }
    return text;
}

std::string readable(std::string_view text, const IpAddress& address) {
    return address.size == 4 ? dotted(address) : to_lower(text);
}

std::optional<std::string> value_of(char letter, std::string_view domain, const SpfMacros& macros) {
    const auto at = macros.sender.rfind('@');
    const std::string local =
        at == std::string::npos || at == 0 ? "postmaster" : macros.sender.substr(0, at);  // §4.3
    const std::string sender_domain =
        at == std::string::npos ? macros.sender : macros.sender.substr(at + 1);
    const IpAddress address = parse_address(macros.address);
    switch (letter) {
    case 's':
        return local + "@" + sender_domain;
    case 'l':
        return local;
    case 'o':
        return sender_domain;
    case 'd':
        return std::string{domain};
    case 'i':
        return dotted(address);
    case 'p':
    case 'r':
        return "unknown";  // §7.3: what costs questions, or is not known
    case 'v':
        return address.size == 16 ? "ip6" : "in-addr";
    case 'h':
        return macros.helo;
    case 'c':
        return readable(macros.address, address);
    case 't':
        return "0";
    default:
        return std::nullopt;
    }
}

std::vector<std::string> split(std::string_view text, std::string_view delimiters) {
    std::vector<std::string> parts;
    while (true) {
        const auto end = text.find_first_of(delimiters);
        parts.emplace_back(text.substr(0, end));
        if (end == std::string_view::npos) {
            return parts;
        }
        text.remove_prefix(end + 1);
    }
}

// §7.3: keep so many parts from the right, after turning them round.
std::string transform(
    std::string_view value, std::string_view delimiters, std::size_t count, bool is_reversed
) {
    auto parts = split(value, delimiters.empty() ? std::string_view{"."} : delimiters);
    if (is_reversed) {
        std::ranges::reverse(parts);
    }
    const std::size_t first = count == 0 || count > parts.size() ? 0 : parts.size() - count;
    std::string text;
    for (std::size_t at = first; at < parts.size(); ++at) {
        text += (at == first ? "" : ".") + parts[at];
    }
    return text;
}

bool is_unreserved(unsigned char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

// §7.3: a letter in upper case asks for it.
std::string url_escape(std::string_view text) {
    std::string out;
    for (const char c : text) {
        const std::string_view one{&c, 1};
        out += is_unreserved(static_cast<unsigned char>(c)) ? std::string{one} : "%" + to_hex(one);
    }
    return out;
}

// "{ir2-}" without its braces.
std::optional<std::string> expand_one(
    std::string_view body, std::string_view domain, const SpfMacros& macros
) {
    if (body.empty()) {
        return std::nullopt;
    }
    const std::string lower = to_lower(body);
    const auto value = value_of(lower.front(), domain, macros);
    const bool is_upper = lower.front() != body.front();
    std::size_t at = 1;
    std::size_t count = 0;
    bool has_digits = false;
    while (at < body.size() && body[at] >= '0' && body[at] <= '9') {
        count = std::min<std::size_t>(count * 10 + static_cast<std::size_t>(body[at] - '0'), 1000);
        has_digits = true;
        ++at;
    }
    const bool is_reversed = at < lower.size() && lower[at] == 'r';
    const std::string_view delimiters = body.substr(at + (is_reversed ? 1 : 0));
    const bool are_known = delimiters.find_first_not_of(".-+,/_=") == std::string_view::npos;
    if (!value || !are_known || (has_digits && count == 0)) {
        return std::nullopt;
    }
    const std::string text = transform(*value, delimiters, count, is_reversed);
    return is_upper ? url_escape(text) : text;
}

// §7.3: whole labels are taken off the left.
std::string shorten(std::string name) {
    while (name.size() > name_max) {
        const auto dot = name.find('.');
        if (dot == std::string::npos) {
            return name.substr(name.size() - name_max);
        }
        name.erase(0, dot + 1);
    }
    return name;
}

}  // namespace

Result<std::string> expand_spf(
    std::string_view text, std::string_view domain, const SpfMacros& macros
) {
    const auto bad = [text] {
        return Error{
            Errc::invalid_argument, "\"" + escape(text, 80) + "\" has a macro that is none"};
    };
    std::string out;
    while (!text.empty()) {
        const char c = text.front();
        const char next = text.size() > 1 ? text[1] : '\0';
        if (c != '%') {
            if (c <= ' ' || c > '~') {
                return bad();
            }
            out += c;
            text.remove_prefix(1);
            continue;
        }
        if (next == '%' || next == '_' || next == '-') {
            out += next == '%' ? "%" : next == '_' ? " " : "%20";
            text.remove_prefix(2);
            continue;
        }
        const auto end = text.find('}');
        const auto value = next == '{' && end != std::string_view::npos
                               ? expand_one(text.substr(2, end - 2), domain, macros)
                               : std::nullopt;
        if (!value) {
            return bad();
        }
        out += *value;
        text.remove_prefix(end + 1);
    }
    return shorten(std::move(out));
}

bool spf_covers(std::string_view network, unsigned prefix, std::string_view address) {
    const IpAddress left = parse_address(network);
    const IpAddress right = parse_address(address);
    if (left.size == 0 || left.size != right.size || prefix > left.size * 8) {
        return false;
    }
    for (std::size_t at = 0; at < left.size && prefix > 0; ++at) {
        const unsigned bits = std::min(prefix, 8U);
        if (((left.octets[at] ^ right.octets[at]) >> (8 - bits)) != 0) {
            return false;
        }
        prefix -= bits;
    }
    return true;
}

}  // namespace siding::dns

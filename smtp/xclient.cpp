#include "smtp/xclient.hpp"

#include "base/bytes.hpp"
#include "smtp/xtext.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <charconv>

namespace siding::smtp {
namespace {

constexpr std::string_view white_space = " \t";
constexpr std::array<unsigned char, 12> v4_mapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

std::string to_upper(std::string_view text) {
    std::string out{text};
    std::ranges::transform(out, out.begin(), [](char c) {
        return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    });
    return out;
}

bool is_unavailable(std::string_view value) {
    return equals_ignoring_case(value, "[UNAVAILABLE]") ||
           equals_ignoring_case(value, "[TEMPUNAVAIL]");
}

bool is_clean(std::string_view text) {
    return is_utf8(text) &&
           std::ranges::none_of(text, [](unsigned char c) { return c < 0x20 || c == 0x7F; });
}

bool take_text(std::string value, std::optional<std::string>& out) {
    out = std::move(value);
    return is_clean(*out);
}

bool take_name(std::string value, XclientAttributes& to) {
    return take_text(std::move(value), to.name);
}

bool take_helo(std::string value, XclientAttributes& to) {
    return take_text(std::move(value), to.helo);
}

bool take_login(std::string value, XclientAttributes& to) {
    return take_text(std::move(value), to.login);
}

// One spelling for each address: it is compared, counted and looked up.
std::optional<std::string> to_address(std::string_view value) {
    constexpr std::string_view prefix = "IPV6:";
    const bool has_prefix = equals_ignoring_case(value.substr(0, prefix.size()), prefix);
    const std::string text{has_prefix ? value.substr(prefix.size()) : value};
    const bool is_v6 = text.find(':') != std::string::npos;
    const int family = is_v6 ? AF_INET6 : AF_INET;
    std::array<unsigned char, sizeof(in6_addr)> octets{};
    std::array<char, INET6_ADDRSTRLEN> out{};
    if ((has_prefix && !is_v6) || text.find('\0') != std::string::npos ||
        inet_pton(family, text.c_str(), octets.data()) != 1) {
        return std::nullopt;
    }
    // RFC 4291 §2.5.5.2
    const bool is_mapped = is_v6 && std::equal(v4_mapped.begin(), v4_mapped.end(), octets.begin());
    const unsigned char* const shown = octets.data() + (is_mapped ? v4_mapped.size() : 0);
    const char* const done = inet_ntop(is_mapped ? AF_INET : family, shown, out.data(), out.size());
    return done == nullptr ? std::nullopt : std::optional{std::string{done}};
}

bool take_address_into(std::string_view value, std::optional<std::string>& out) {
    out = value.empty() ? std::optional{std::string{}} : to_address(value);
    return out.has_value();
}

bool take_address(std::string value, XclientAttributes& to) {
    return take_address_into(value, to.address);
}

bool take_destination_address(std::string value, XclientAttributes& to) {
    return take_address_into(value, to.destination_address);
}

bool take_port_into(std::string_view value, std::optional<std::uint16_t>& out) {
    out.reset();
    if (value.empty()) {
        return true;
    }
    std::uint16_t port = 0;
    const char* const end = value.data() + value.size();
    const auto [parsed_to, error] = std::from_chars(value.data(), end, port);
    out = port;
    return error == std::errc{} && parsed_to == end;
}

bool take_port(std::string value, XclientAttributes& to) {
    return take_port_into(value, to.port);
}

bool take_destination_port(std::string value, XclientAttributes& to) {
    return take_port_into(value, to.destination_port);
}

bool take_protocol(std::string value, XclientAttributes& to) {
    to.esmtp = equals_ignoring_case(value, "ESMTP");
    return *to.esmtp || equals_ignoring_case(value, "SMTP");
}

struct Attribute {
    std::string_view name;
    bool (*take)(std::string value, XclientAttributes& to);  // false: bad. Empty: not known
};

constexpr std::array known_attributes = {
    Attribute{"NAME", take_name},
    Attribute{"ADDR", take_address},
    Attribute{"PORT", take_port},
    Attribute{"PROTO", take_protocol},
    Attribute{"HELO", take_helo},
    Attribute{"LOGIN", take_login},
    Attribute{"DESTADDR", take_destination_address},
    Attribute{"DESTPORT", take_destination_port},
};

Reply bad(std::string_view word) {
    return Reply{501, {5, 5, 4}, "Bad XCLIENT attribute: " + printable(word)};
}

bool take(std::string_view word, XclientAttributes& to) {
    const std::size_t equals = word.find('=');
    const auto* const known = std::ranges::find_if(known_attributes, [&](const Attribute& one) {
        return equals_ignoring_case(one.name, word.substr(0, equals));
    });
    if (equals == std::string_view::npos || known == known_attributes.end()) {
        return false;
    }
    const std::string_view value = word.substr(equals + 1);
    if (value.empty()) {
        return false;
    }
    auto decoded = is_unavailable(value) ? std::optional{std::string{}} : decode_xtext(value);
    return decoded && known->take(std::move(*decoded), to);
}

}  // namespace

Parsed<XclientAttributes> parse_xclient(std::string_view text) {
    XclientAttributes parsed;
    bool is_empty = true;
    for (;;) {
        text.remove_prefix(std::min(text.find_first_not_of(white_space), text.size()));
        if (text.empty()) {
            break;
        }
        const std::string_view word = text.substr(0, text.find_first_of(white_space));
        if (!take(word, parsed)) {
            return bad(word);
        }
        text.remove_prefix(word.size());
        is_empty = false;
    }
    if (is_empty) {
        return Reply{501, {5, 5, 4}, "Syntax: XCLIENT attribute=value..."};
    }
    return parsed;
}

std::vector<std::string> parse_xclient_offer(const Reply& ehlo) {
    std::vector<std::string> offered;
    for (std::size_t i = 1; i < ehlo.lines.size(); ++i) {
        std::string_view line = ehlo.lines[i];
        const std::size_t end = std::min(line.find_first_of(white_space), line.size());
        if (!equals_ignoring_case(line.substr(0, end), "XCLIENT")) {
            continue;
        }
        line.remove_prefix(end);
        while (!line.empty()) {
            line.remove_prefix(std::min(line.find_first_not_of(white_space), line.size()));
            const std::string_view word = line.substr(0, line.find_first_of(white_space));
            line.remove_prefix(word.size());
            if (!word.empty()) {
                offered.push_back(to_upper(word));
            }
        }
    }
    return offered;
}

std::string format_xclient(
    const XclientAttributes& attributes, const std::vector<std::string>& offered
) {
    std::string line = "XCLIENT";
    const auto say = [&](std::string_view name, const std::optional<std::string>& value) {
        if (value && std::ranges::find(offered, name) != offered.end()) {
            line.append(" ").append(name).append("=");
            line += value->empty() ? "[UNAVAILABLE]" : encode_xtext(*value);
        }
    };
    const auto to_address_text = [](const std::optional<std::string>& address) {
        const bool is_v6 = address && address->find(':') != std::string::npos;
        return is_v6 ? std::optional{"IPV6:" + *address} : address;
    };
    const auto to_port_text = [](std::optional<std::uint16_t> port) {
        return port ? std::optional{std::to_string(*port)} : std::nullopt;
    };
    const auto protocol = attributes.esmtp.value_or(true) ? "ESMTP" : "SMTP";
    say("NAME", attributes.name);
    say("ADDR", to_address_text(attributes.address));
    say("PORT", to_port_text(attributes.port));
    say("PROTO", attributes.esmtp ? std::optional{std::string{protocol}} : std::nullopt);
    say("HELO", attributes.helo);
    say("LOGIN", attributes.login);
    say("DESTADDR", to_address_text(attributes.destination_address));
    say("DESTPORT", to_port_text(attributes.destination_port));
    return line + "\r\n";
}

std::string name_for_hello(const XclientAttributes& attributes, std::string_view ours) {
    constexpr std::size_t name_octets_max = 255;  // RFC 5321 §4.5.3.1.2
    const std::string_view name = attributes.helo ? std::string_view{*attributes.helo} : ours;
    const auto is_host_octet = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               std::string_view{".-_:[]"}.find(c) != std::string_view::npos;
    };
    const bool is_fit =
        !name.empty() && name.size() <= name_octets_max && std::ranges::all_of(name, is_host_octet);
    return std::string{is_fit ? name : ours};
}

}  // namespace siding::smtp

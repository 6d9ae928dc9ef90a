#include "smtp/trace_header.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace siding::smtp {
namespace {

constexpr std::size_t name_octets_max = 255;

// What a host name or an address literal can hold; anything else could end the comment or the field
// that it stands in.
char to_name_char(char c) {
    const bool good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      c == '.' || c == '-' || c == '_' || c == ':' || c == '[' || c == ']';
    return good ? c : '?';
}

std::string to_name(std::string_view text) {
    std::string out{text.substr(0, name_octets_max)};
    std::ranges::transform(out, out.begin(), to_name_char);
    return out.empty() ? "unknown" : out;
}

// RFC 5321 §4.1.3; a mapped IPv4 address is shown as what it is.
std::string to_literal(std::string_view address) {
    constexpr std::string_view mapped = "::ffff:";
    if (address.starts_with(mapped) && address.find('.') != std::string_view::npos) {
        address.remove_prefix(mapped.size());
    }
    const bool is_v6 = address.find(':') != std::string_view::npos;
    return (is_v6 ? "[IPv6:" : "[") + to_name(address) + "]";
}

// The paths that we accept have no control octets; those of an import might.
std::string to_path(std::string_view text) {
    std::string out{text};
    std::ranges::replace_if(
        out, [](unsigned char c) { return c < 0x20 || c == 0x7F; }, '?'
    );
    return out;
}

std::string_view to_text(Protocol protocol) {
    switch (protocol) {
    case Protocol::smtp:
        return "SMTP";
    case Protocol::esmtp:
        return "ESMTP";
    }
    return "SMTP";
}

}  // namespace

std::string format_trace_header(const TraceFacts& facts) {
    const std::string last =
        facts.recipient ? fmt::format("\r\n\tfor <{}>; {}", to_path(*facts.recipient), facts.date)
                        : fmt::format(";\r\n\t{}", facts.date);
    return fmt::format(
        "Received: from {} ({} {})\r\n\tby {} (Siding) with {} id {}{}\r\n",
        to_name(facts.helo),
        to_name(facts.peer_name),
        to_literal(facts.peer_address),
        facts.hostname,
        to_text(facts.protocol),
        facts.id,
        last
    );
}

}  // namespace siding::smtp

#include "smtp/trace_header.hpp"

#include "base/check.hpp"
#include "base/domain.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace siding::smtp {
namespace {

constexpr std::size_t name_octets_max = 255;

bool is_ascii(std::string_view text) {
    return std::ranges::all_of(text, [](unsigned char c) { return c < 0x80; });
}

// What a host name or an address literal can hold; anything else could end the comment or the field
// that it stands in.
char to_name_char(char c) {
    const bool good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      c == '.' || c == '-' || c == '_' || c == ':' || c == '[' || c == ']';
    return good ? c : '?';
}

// A name in another script stands as its A-labels: not every reader of this line knows UTF-8.
std::string to_name(std::string_view text) {
    const auto domain = Domain::parse(is_ascii(text) ? "" : text);
    std::string out{domain ? std::string_view{domain->text()} : text.substr(0, name_octets_max)};
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
    case Protocol::esmtps:
        return "ESMTPS";
    case Protocol::utf8smtp:
        return "UTF8SMTP";
    case Protocol::utf8smtps:
        return "UTF8SMTPS";
    }
    SIDING_UNREACHABLE("no such protocol");
}

// Text of a certificate inside a quoted string inside a comment (RFC 5322 §3.2).
std::string to_comment(std::string_view text) {
    std::string out{text.substr(0, name_octets_max)};
    std::ranges::replace_if(
        out,
        [](unsigned char c) {
            return c < 0x20 || c >= 0x7F || c == '(' || c == ')' || c == '"' || c == '\\';
        },
        '?'
    );
    return out;
}

std::string format_certificate(const TraceTls& tls) {
    if (!tls.client_name.empty() || !tls.client_issuer.empty()) {
        return fmt::format(
            R"(Client CN "{}", Issuer "{}" ({}))",
            to_comment(tls.client_name),
            to_comment(tls.client_issuer),
            tls.client_verified ? "verified OK" : "not verified"
        );
    }
    return tls.client_certificate_requested ? "Client did not present a certificate"
                                            : "No client certificate requested";
}

std::string format_tls(const std::optional<TraceTls>& tls) {
    if (!tls) {
        return {};
    }
    return fmt::format(
        "\r\n\t(using {} with cipher {} ({}/{} bits))\r\n\t({})",
        to_comment(tls->version),
        to_comment(tls->cipher),
        tls->bits,
        tls->bits,
        format_certificate(*tls)
    );
}

}  // namespace

// RFC 3848 has names for EHLO only; a HELO is SMTP, with TLS or without.
Protocol protocol_of(const ProtocolFacts& facts) {
    if (!facts.is_esmtp) {
        return Protocol::smtp;
    }
    if (facts.is_smtputf8) {
        return facts.is_tls ? Protocol::utf8smtps : Protocol::utf8smtp;
    }
    return facts.is_tls ? Protocol::esmtps : Protocol::esmtp;
}

std::string format_trace_header(const TraceFacts& facts) {
    const std::string last =
        facts.recipient ? fmt::format("\r\n\tfor <{}>; {}", to_path(*facts.recipient), facts.date)
                        : fmt::format(";\r\n\t{}", facts.date);
    return fmt::format(
        "Received: from {} ({} {}){}\r\n\tby {} (Siding) with {} id {}{}\r\n",
        to_name(facts.helo),
        to_name(facts.peer_name),
        to_literal(facts.peer_address),
        format_tls(facts.tls),
        facts.hostname,
        to_text(facts.protocol),
        facts.id,
        last
    );
}

}  // namespace siding::smtp

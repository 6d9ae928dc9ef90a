// Values of where mail goes: patterns, addresses, secrets.
#include "base/bytes.hpp"
#include "config/values.hpp"

#include <algorithm>
#include <cstdlib>
#include <fmt/format.h>

namespace siding::config {
namespace {

Error refuse(const Key& key, std::string_view text) {
    return {
        Errc::invalid_argument,
        fmt::format("'{}' is not accepted; allowed: {}", escape(text), allowed_values(key))};
}

bool is_printable(std::string_view text) {
    return !text.empty() && is_utf8(text) && std::ranges::none_of(text, [](char c) {
        return static_cast<unsigned char>(c) <= ' ' || c == 0x7f;
    });
}

std::string_view trim_blanks(std::string_view text) {
    while (!text.empty() && text.front() == ' ') {
        text.remove_prefix(1);
    }
    while (!text.empty() && text.back() == ' ') {
        text.remove_suffix(1);
    }
    return text;
}

// RFC 5322 §3.6.8: any printable octet but the colon.
bool is_field_name(std::string_view text) {
    return !text.empty() && std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7f; });
}

// An IP address as operators write it in a list: IPv6 with or without brackets.
Result<Endpoint> parse_ip(std::string_view text, std::uint16_t port) {
    const bool bare_six = is_ip_address(text) && text.find(':') != std::string_view::npos;
    return parse_endpoint(bare_six ? fmt::format("[{}]", text) : std::string{text}, port);
}

}  // namespace

Result<std::string> ip_address_value(const Key& key, std::string_view text) {
    if (!is_ip_address(text)) {
        return refuse(key, text);
    }
    SIDING_ASSIGN(Endpoint endpoint, parse_ip(text, 0));
    return std::move(endpoint.host);
}

Result<std::string> fingerprint_value(const Key& key, std::string_view text) {
    constexpr std::size_t digits = 64;  // of SHA-256
    std::string fingerprint = to_lower(text);
    std::erase(fingerprint, ':');
    const bool good = fingerprint.size() == digits && std::ranges::all_of(fingerprint, [](char c) {
                          return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
                      });
    return good ? Result<std::string>{std::move(fingerprint)} : refuse(key, text);
}

Result<std::string> glob_value(const Key& key, std::string_view text) {
    return is_printable(text) ? Result<std::string>{to_lower(text)} : refuse(key, text);
}

Result<std::string> pattern_value(const Key& key, std::string_view text) {
    const bool good = is_printable(text) && text.find('@') == std::string_view::npos;
    return good ? Result<std::string>{to_lower(text)} : refuse(key, text);
}

Result<std::string> header_glob_value(const Key& key, std::string_view text) {
    const auto colon = text.find(':');
    if (colon == std::string_view::npos) {
        return refuse(key, text);
    }
    const std::string_view name = trim_blanks(text.substr(0, colon));
    const std::string_view glob = trim_blanks(text.substr(colon + 1));
    if (!is_field_name(name) || glob.empty() || !is_utf8(glob)) {
        return refuse(key, text);
    }
    return to_lower(fmt::format("{}: {}", name, glob));
}

Result<std::string> credential_value(const Key& key, std::string_view text) {
    constexpr std::size_t name_max = 255;
    const bool good = !text.empty() && text.size() <= name_max && text.front() != '.' &&
                      std::ranges::all_of(text, [](char c) {
                          return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                                 (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
                      });
    if (!good) {
        return refuse(key, text);
    }
    const char* const directory = std::getenv("CREDENTIALS_DIRECTORY");
    const bool known = directory != nullptr && directory[0] == '/';
    return fmt::format("{}/{}", known ? directory : "/run/credentials/siding.service", text);
}

Result<Endpoint> resolver_value(const Key&, std::string_view text) {
    constexpr std::uint16_t dns_port = 53;
    SIDING_ASSIGN(Endpoint endpoint, parse_ip(text, dns_port));
    if (!is_ip_address(endpoint.host) || endpoint.port == 0) {
        return Error{
            Errc::invalid_argument,
            fmt::format(
                "'{}' is no address of a resolver; write an IP address and, if it is not 53, its "
                "port, such as 127.0.0.1 or [::1]:5353",
                escape(text)
            )};
    }
    return endpoint;
}

}  // namespace siding::config

#include "dns/spf.hpp"

#include "base/bytes.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <charconv>
#include <fmt/format.h>
#include <utility>

namespace siding::dns {
namespace {

using Kind = SpfMechanism::Kind;

constexpr std::size_t terms_max = 512;

constexpr std::array<std::pair<std::string_view, Kind>, 8> kinds{{
    {"all", Kind::all},
    {"include", Kind::include},
    {"a", Kind::a},
    {"mx", Kind::mx},
    {"ptr", Kind::ptr},
    {"ip4", Kind::ip4},
    {"ip6", Kind::ip6},
    {"exists", Kind::exists},
}};

std::string_view name_of(Kind kind) {
    return std::ranges::find(kinds, kind, [](const auto& entry) { return entry.second; })->first;
}

Error bad(std::string_view term, const char* why) {
    return Error{Errc::invalid_argument, "\"" + escape(term, 80) + "\" " + why};
}

bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

std::optional<unsigned> parse_prefix(std::string_view text, unsigned most) {
    unsigned value = 0;
    const auto* const end = text.data() + text.size();
    const auto [at, code] = std::from_chars(text.data(), end, value);
    const bool is_padded = text.size() > 1 && text.front() == '0';
    if (text.empty() || code != std::errc{} || at != end || value > most || is_padded) {
        return std::nullopt;
    }
    return value;
}

// §7.1, domain-spec: macros and printable octets that end in a label or in a macro.
bool is_domain_spec(std::string_view text) {
    const SpfMacros sample{"a@b.example", "192.0.2.1", "c.example"};
    if (text.empty() || !expand_spf(text, "d.example", sample)) {
        return false;
    }
    if (text.ends_with('}') || text.ends_with("%%") || text.ends_with("%_") ||
        text.ends_with("%-")) {
        return text.ends_with('}');
    }
    text.remove_suffix(text.ends_with('.') ? 1 : 0);
    const auto dot = text.rfind('.');
    if (dot == std::string_view::npos) {
        return false;
    }
    const std::string_view top = text.substr(dot + 1);
    return !top.empty() && !top.starts_with('-') && !top.ends_with('-') &&
           !std::ranges::all_of(top, is_digit) &&
           std::ranges::all_of(top, [](char c) { return is_letter(c) || is_digit(c) || c == '-'; });
}

// §5.6: "/24", "//64" or "/24//64" behind a and mx.
bool take_dual_prefix(std::string_view text, SpfMechanism& mechanism) {
    const auto second = text.find("//");
    const std::string_view four = text.substr(0, second);
    if (!four.empty()) {
        const auto prefix = parse_prefix(four.substr(1), 32);
        if (!prefix) {
            return false;
        }
        mechanism.prefix4 = *prefix;
    }
    if (second != std::string_view::npos) {
        const auto prefix = parse_prefix(text.substr(second + 2), 128);
        if (!prefix) {
            return false;
        }
        mechanism.prefix6 = *prefix;
    }
    return true;
}

bool is_address(std::string_view text, int family) {
    std::array<unsigned char, 16> octets{};
    return text.find('\0') == std::string_view::npos &&
           ::inet_pton(family, std::string{text}.c_str(), octets.data()) == 1;
}

bool take_network(std::string_view text, SpfMechanism& mechanism) {
    const bool is_ip4 = mechanism.kind == Kind::ip4;
    const auto slash = text.find('/');
    const std::string_view address = text.substr(0, slash);
    if (!is_address(address, is_ip4 ? AF_INET : AF_INET6)) {
        return false;
    }
    mechanism.target = address;
    if (slash == std::string_view::npos) {
        return true;
    }
    const auto prefix = parse_prefix(text.substr(slash + 1), is_ip4 ? 32 : 128);
    (is_ip4 ? mechanism.prefix4 : mechanism.prefix6) = prefix.value_or(0);
    return prefix.has_value();
}

// The slash that starts a prefix: not one inside a macro, whose delimiters may be slashes (§7.1).
std::size_t find_prefix(std::string_view text) {
    const auto from = text.rfind('}');
    return text.find('/', from == std::string_view::npos ? 0 : from);
}

// What stands behind the mechanism's name.
bool take_argument(std::string_view text, SpfMechanism& mechanism) {
    switch (mechanism.kind) {
    case Kind::all:
        return text.empty();
    case Kind::ip4:
    case Kind::ip6:
        return text.starts_with(':') && take_network(text.substr(1), mechanism);
    case Kind::include:
    case Kind::exists:
        mechanism.target = text.substr(std::min<std::size_t>(1, text.size()));
        return text.starts_with(':') && is_domain_spec(mechanism.target);
    case Kind::ptr:
        mechanism.target = text.substr(std::min<std::size_t>(1, text.size()));
        return text.empty() || (text.starts_with(':') && is_domain_spec(mechanism.target));
    case Kind::a:
    case Kind::mx:
        break;
    }
    const auto slash = find_prefix(text);
    if (slash != std::string_view::npos && !take_dual_prefix(text.substr(slash), mechanism)) {
        return false;
    }
    const std::string_view target = text.substr(0, slash);
    mechanism.target = target.substr(std::min<std::size_t>(1, target.size()));
    return target.empty() || (target.starts_with(':') && is_domain_spec(mechanism.target));
}

SpfResult take_qualifier(std::string_view& term) {
    constexpr std::array<std::pair<char, SpfResult>, 4> qualifiers{{
        {'+', SpfResult::pass},
        {'-', SpfResult::fail},
        {'~', SpfResult::softfail},
        {'?', SpfResult::neutral},
    }};
    for (const auto& [sign, result] : qualifiers) {
        if (term.starts_with(sign)) {
            term.remove_prefix(1);
            return result;
        }
    }
    return SpfResult::pass;
}

// §4.6.1: name "=" macro-string.
bool is_modifier(std::string_view term) {
    const auto equals = term.find('=');
    const std::string_view name = term.substr(0, equals);
    return equals != std::string_view::npos && !name.empty() && is_letter(name.front()) &&
           std::ranges::all_of(name, [](char c) {
               return is_letter(c) || is_digit(c) || c == '-' || c == '_' || c == '.';
           });
}

Result<void> take_modifier(std::string_view term, SpfRecord& record) {
    const auto equals = term.find('=');
    const std::string name = to_lower(term.substr(0, equals));
    const std::string_view value = term.substr(equals + 1);
    if (name != "redirect" && name != "exp") {
        return {};  // §6
    }
    auto& place = name == "exp" ? record.explanation : record.redirect;
    if (place) {
        return bad(term, "comes twice");
    }
    if (!is_domain_spec(value)) {
        return bad(term, "does not name a domain");
    }
    place = value;
    return {};
}

Result<SpfMechanism> parse_mechanism(std::string_view term) {
    std::string_view rest = term;
    SpfMechanism mechanism;
    mechanism.qualifier = take_qualifier(rest);
    const auto end = rest.find_first_of(":/");
    const std::string_view name = rest.substr(0, end);
    const auto* const known = std::ranges::find_if(kinds, [name](const auto& entry) {
        return equals_ignoring_case(entry.first, name);
    });
    if (known == kinds.end()) {
        return bad(term, "is no mechanism of SPF");
    }
    mechanism.kind = known->second;
    if (!take_argument(
            end == std::string_view::npos ? std::string_view{} : rest.substr(end), mechanism
        )) {
        return bad(term, "is not written as SPF wants it");
    }
    return mechanism;
}

}  // namespace

std::string_view format_spf_result(SpfResult result) {
    switch (result) {
    case SpfResult::none:
        return "none";
    case SpfResult::neutral:
        return "neutral";
    case SpfResult::pass:
        return "pass";
    case SpfResult::fail:
        return "fail";
    case SpfResult::softfail:
        return "softfail";
    case SpfResult::temperror:
        return "temperror";
    case SpfResult::permerror:
        return "permerror";
    }
    return "";
}

bool is_spf(std::string_view text) {
    constexpr std::string_view version = "v=spf1";
    return equals_ignoring_case(text.substr(0, version.size()), version) &&
           (text.size() == version.size() || text[version.size()] == ' ');
}

Result<SpfRecord> parse_spf(std::string_view text) {
    if (!is_spf(text)) {
        return bad(text, "does not start with v=spf1");
    }
    SpfRecord record;
    std::string_view rest = text.substr(std::string_view{"v=spf1"}.size());
    while (true) {
        rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
        const std::string_view term = rest.substr(0, rest.find(' '));
        if (term.empty()) {
            return record;
        }
        rest.remove_prefix(term.size());
        if (is_modifier(term)) {
            SIDING_TRY(take_modifier(term, record));
            continue;
        }
        SIDING_ASSIGN(SpfMechanism mechanism, parse_mechanism(term));
        if (record.mechanisms.size() == terms_max) {
            return bad(term, "is one mechanism too many");
        }
        record.mechanisms.push_back(std::move(mechanism));
    }
}

std::string format_spf(const SpfMechanism& mechanism) {
    constexpr std::string_view signs = "?+-~";
    const auto sign = signs[static_cast<std::size_t>(mechanism.qualifier) - 1];
    std::string text = sign == '+' ? "" : std::string{sign};
    text += name_of(mechanism.kind);
    if (!mechanism.target.empty()) {
        text += ":" + mechanism.target;
    }
    if (mechanism.kind != Kind::ip6 && mechanism.prefix4 != 32) {
        text += fmt::format("/{}", mechanism.prefix4);
    }
    if (mechanism.prefix6 != 128) {
        text += fmt::format("{}{}", mechanism.kind == Kind::ip6 ? "/" : "//", mechanism.prefix6);
    }
    return text;
}

std::string format_spf(const SpfRecord& record) {
    std::string text = "v=spf1";
    for (const SpfMechanism& mechanism : record.mechanisms) {
        text += " " + format_spf(mechanism);
    }
    text += record.redirect ? " redirect=" + *record.redirect : "";
    return text + (record.explanation ? " exp=" + *record.explanation : "");
}

}  // namespace siding::dns

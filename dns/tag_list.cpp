#include "dns/tag_list.hpp"

#include "base/bytes.hpp"

#include <algorithm>
#include <charconv>

namespace siding::dns {
namespace {

constexpr std::string_view white_space = " \t\r\n";

std::string_view trim(std::string_view text) {
    const auto first = text.find_first_not_of(white_space);
    if (first == std::string_view::npos) {
        return {};
    }
    return text.substr(first, text.find_last_not_of(white_space) - first + 1);
}

bool is_tag_name(std::string_view text) {
    const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
    return !text.empty() && is_letter(text.front()) && std::ranges::all_of(text, [&](char c) {
        return is_letter(c) || (c >= '0' && c <= '9') || c == '_';
    });
}

Error bad(std::string text) {
    return Error{Errc::invalid_argument, std::move(text)};
}

// The first tag is the version, as it stands (RFC 7489 §6.3, RFC 8460 §3, RFC 8461 §3.1).
bool starts_with_version(std::string_view text, std::string_view version) {
    const auto end = text.find(';');
    const auto first = text.substr(0, end);
    const auto equals = first.find('=');
    return equals != std::string_view::npos && trim(first.substr(0, equals)) == "v" &&
           trim(first.substr(equals + 1)) == version;
}

std::vector<std::string> split_uris(std::string_view text) {
    std::vector<std::string> uris;
    while (!text.empty()) {
        const auto comma = text.find(',');
        const auto uri = trim(text.substr(0, comma));
        if (!uri.empty()) {
            uris.emplace_back(uri);
        }
        text = comma == std::string_view::npos ? std::string_view{} : text.substr(comma + 1);
    }
    return uris;
}

std::optional<DmarcPolicy> policy_of(std::string_view text) {
    for (const auto policy : {DmarcPolicy::none, DmarcPolicy::quarantine, DmarcPolicy::reject}) {
        if (equals_ignoring_case(text, format_dmarc_policy(policy))) {
            return policy;
        }
    }
    return std::nullopt;
}

bool is_base64(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '+' ||
           c == '/';
}

// Modulus and exponent, with 12 to 38 octets around the modulus (RFC 8017 §A.1.1, RFC 5280 §4.1).
std::size_t bits_of_rsa(std::size_t octets) {
    return octets > 12 ? (octets - 12) / 32 * 256 : 0;
}

}  // namespace

std::optional<std::string_view> TagList::find(std::string_view name) const {
    const auto found = std::ranges::find(tags, name, [](const auto& tag) -> std::string_view {
        return tag.first;
    });
    return found == tags.end() ? std::nullopt : std::optional<std::string_view>{found->second};
}

std::string_view TagList::get(std::string_view name, std::string_view otherwise) const {
    return find(name).value_or(otherwise);
}

Result<TagList> parse_tag_list(std::string_view text) {
    TagList list;
    while (true) {
        const auto end = text.find(';');
        const std::string_view tag = trim(text.substr(0, end));
        const bool is_last = end == std::string_view::npos;
        if (tag.empty() && is_last) {
            return list;
        }
        const auto equals = tag.find('=');
        const auto name = trim(tag.substr(0, equals));
        if (equals == std::string_view::npos || !is_tag_name(name)) {
            return bad("\"" + escape(tag, 64) + "\" is not name=value");
        }
        if (list.find(name)) {
            return bad("the tag " + std::string{name} + "= is there twice");
        }
        list.tags.emplace_back(name, trim(tag.substr(equals + 1)));
        if (is_last) {
            return list;
        }
        text.remove_prefix(end + 1);
    }
}

Result<DkimKey> parse_dkim_key(std::string_view text) {
    SIDING_ASSIGN(const TagList list, parse_tag_list(text));
    const auto version = list.find("v");
    if (version && (*version != "DKIM1" || list.tags.front().first != "v")) {
        return bad("v= is not DKIM1, or not the first tag");
    }
    const auto data = list.find("p");
    if (!data) {
        return bad("there is no p=, so there is no key");
    }
    DkimKey key;
    key.type = to_lower(list.get("k", "rsa"));
    std::string_view flags = list.get("t", "");
    while (!flags.empty()) {
        const auto colon = flags.find(':');
        key.is_testing = key.is_testing || trim(flags.substr(0, colon)) == "y";
        flags = colon == std::string_view::npos ? std::string_view{} : flags.substr(colon + 1);
    }
    std::string digits;
    std::ranges::copy_if(*data, std::back_inserter(digits), [](char c) {
        return white_space.find(c) == std::string_view::npos;
    });
    while (digits.ends_with('=')) {
        digits.pop_back();
    }
    if (!std::ranges::all_of(digits, is_base64) || digits.size() % 4 == 1) {
        return bad("p= is not base64");
    }
    key.is_revoked = digits.empty();
    const std::size_t octets = digits.size() * 3 / 4;
    if (key.type == "ed25519") {
        if (!key.is_revoked && octets != 32) {
            return bad("p= is no ed25519 key of 32 octets");  // RFC 8463 §4
        }
        key.bits = key.is_revoked ? 0 : 256;
    } else {
        key.bits = bits_of_rsa(octets);
    }
    return key;
}

std::string_view format_dmarc_policy(DmarcPolicy policy) {
    switch (policy) {
    case DmarcPolicy::none:
        return "none";
    case DmarcPolicy::quarantine:
        return "quarantine";
    case DmarcPolicy::reject:
        return "reject";
    }
    return "";
}

bool is_dmarc(std::string_view text) {
    return starts_with_version(text, "DMARC1");
}

Result<Dmarc> parse_dmarc(std::string_view text) {
    if (!is_dmarc(text)) {
        return bad("it does not start with v=DMARC1");
    }
    SIDING_ASSIGN(const TagList list, parse_tag_list(text));
    Dmarc dmarc;
    const auto policy = list.find("p");
    const auto known = policy ? policy_of(*policy) : std::nullopt;
    dmarc.reports_to = split_uris(list.get("rua", ""));
    if (!known && dmarc.reports_to.empty()) {
        return bad("p= is not none, quarantine or reject");
    }
    dmarc.policy = known.value_or(DmarcPolicy::none);  // RFC 7489 §6.6.3: with rua= it counts so
    if (const auto below = list.find("sp")) {
        dmarc.subdomain_policy = policy_of(*below);
    }
    const auto percent = list.get("pct", "100");
    const auto* const end = percent.data() + percent.size();
    const auto [at, code] = std::from_chars(percent.data(), end, dmarc.percent);
    if (code != std::errc{} || at != end || dmarc.percent < 0 || dmarc.percent > 100) {
        return bad("pct= is not 0 to 100");
    }
    dmarc.is_dkim_strict = equals_ignoring_case(list.get("adkim", "r"), "s");
    dmarc.is_spf_strict = equals_ignoring_case(list.get("aspf", "r"), "s");
    return dmarc;
}

bool is_tls_reporting(std::string_view text) {
    return starts_with_version(text, "TLSRPTv1");
}

Result<TlsReporting> parse_tls_reporting(std::string_view text) {
    if (!is_tls_reporting(text)) {
        return bad("it does not start with v=TLSRPTv1");
    }
    SIDING_ASSIGN(const TagList list, parse_tag_list(text));
    TlsReporting reporting;
    reporting.reports_to = split_uris(list.get("rua", ""));
    const bool are_known = std::ranges::all_of(reporting.reports_to, [](const std::string& uri) {
        const std::string lower = to_lower(uri);
        return lower.starts_with("mailto:") || lower.starts_with("https:");
    });
    if (reporting.reports_to.empty() || !are_known) {
        return bad("rua= is not a list of mailto: and https: addresses");
    }
    return reporting;
}

std::optional<std::string> mailto_domain(std::string_view uri) {
    const std::string lower = to_lower(uri);
    if (!lower.starts_with("mailto:")) {
        return std::nullopt;
    }
    const auto at = lower.find('@');
    if (at == std::string::npos) {
        return std::nullopt;
    }
    const auto end = lower.find_first_of("?!", at);  // RFC 7489 §6.3: "!10m" bounds the size
    return lower.substr(at + 1, end == std::string::npos ? end : end - at - 1);
}

}  // namespace siding::dns

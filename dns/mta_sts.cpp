#include "dns/mta_sts.hpp"

#include "base/bytes.hpp"
#include "base/domain.hpp"
#include "dns/tag_list.hpp"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>
#include <optional>

namespace siding::dns {
namespace {

constexpr std::int64_t max_age_max = 31557600;  // §3.2
constexpr std::size_t patterns_max = 256;

Error bad(std::string text) {
    return Error{Errc::invalid_argument, std::move(text)};
}

std::string_view trim(std::string_view text) {
    const auto first = text.find_first_not_of(" \t");
    if (first == std::string_view::npos) {
        return {};
    }
    return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

// §3.2: lines end in LF or CRLF.
std::optional<std::string_view> take_line(std::string_view& text) {
    if (text.empty()) {
        return std::nullopt;
    }
    const auto end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
    if (line.ends_with('\r')) {
        line.remove_suffix(1);
    }
    return line;
}

Result<std::string> parse_pattern(std::string_view text) {
    const bool is_wild = text.starts_with("*.");
    const auto domain = Domain::parse(is_wild ? text.substr(2) : text);
    if (!domain) {
        return bad("mx: " + escape(text, 64) + " is not a host name");
    }
    return (is_wild ? "*." : "") + domain->text();
}

Result<std::chrono::seconds> parse_max_age(std::string_view text) {
    std::int64_t seconds = 0;
    const auto* const end = text.data() + text.size();
    const auto [at, code] = std::from_chars(text.data(), end, seconds);
    if (text.empty() || code != std::errc{} || at != end || seconds < 0 || seconds > max_age_max) {
        return bad("max_age: is not a number of seconds up to a year");
    }
    return std::chrono::seconds{seconds};
}

std::optional<StsPolicy::Mode> mode_of(std::string_view text) {
    using Mode = StsPolicy::Mode;
    for (const auto mode : {Mode::none, Mode::testing, Mode::enforce}) {
        if (text == format_sts_mode(mode)) {
            return mode;
        }
    }
    return std::nullopt;
}

// What of a policy has been read; §3.2: of a key that comes twice the first counts, but for mx.
struct Reading {
    bool has_version = false;
    std::optional<StsPolicy::Mode> mode{};
    std::optional<std::chrono::seconds> max_age{};
    std::vector<std::string> mx{};

    Result<void> take(std::string_view key, std::string_view value) {
        if (key == "version" && !has_version) {
            has_version = value == "STSv1";
            return has_version ? Result<void>{} : bad("version: is not STSv1");
        }
        if (key == "mode" && !mode) {
            mode = mode_of(value);
            return mode ? Result<void>{} : bad("mode: is not none, testing or enforce");
        }
        if (key == "max_age" && !max_age) {
            SIDING_ASSIGN(max_age, parse_max_age(value));
        }
        if (key == "mx") {
            if (mx.size() == patterns_max) {
                return bad(fmt::format("more than {} lines of mx:", patterns_max));
            }
            SIDING_ASSIGN(std::string pattern, parse_pattern(value));
            mx.push_back(std::move(pattern));
        }
        return {};
    }
};

}  // namespace

bool is_sts_record(std::string_view text) {
    const auto first = text.substr(0, text.find(';'));
    const auto equals = first.find('=');
    return equals != std::string_view::npos && trim(first.substr(0, equals)) == "v" &&
           trim(first.substr(equals + 1)) == "STSv1";
}

Result<std::string> parse_sts_record(std::string_view text) {
    if (!is_sts_record(text)) {
        return bad("it does not start with v=STSv1");
    }
    SIDING_ASSIGN(const TagList list, parse_tag_list(text));
    const auto id = list.find("id");
    const bool is_good =
        id && !id->empty() && id->size() <= 32 && std::ranges::all_of(*id, [](char c) {
            return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        });
    if (!is_good) {
        return bad("id= is not 1 to 32 letters and digits");
    }
    return std::string{*id};
}

bool matches_sts_pattern(std::string_view pattern, std::string_view host) {
    if (!pattern.starts_with("*.")) {
        return equals_ignoring_case(pattern, host);
    }
    const auto dot = host.find('.');
    return dot != std::string_view::npos && dot > 0 &&
           equals_ignoring_case(pattern.substr(1), host.substr(dot));
}

bool StsPolicy::allows(std::string_view host) const {
    return std::ranges::any_of(mx, [host](const std::string& pattern) {
        return matches_sts_pattern(pattern, host);
    });
}

std::string_view format_sts_mode(StsPolicy::Mode mode) {
    switch (mode) {
    case StsPolicy::Mode::none:
        return "none";
    case StsPolicy::Mode::testing:
        return "testing";
    case StsPolicy::Mode::enforce:
        return "enforce";
    }
    return "";
}

Result<StsPolicy> parse_sts_policy(std::string_view text) {
    Reading reading;
    while (const auto line = take_line(text)) {
        if (trim(*line).empty()) {
            continue;
        }
        const auto colon = line->find(':');
        if (colon == std::string_view::npos) {
            return bad("\"" + escape(*line, 64) + "\" is not key: value");
        }
        SIDING_TRY(reading.take(trim(line->substr(0, colon)), trim(line->substr(colon + 1))));
    }
    if (!reading.has_version || !reading.mode || !reading.max_age) {
        return bad("version:, mode: or max_age: is missing");
    }
    if (reading.mx.empty() && *reading.mode != StsPolicy::Mode::none) {
        return bad("there is no mx: line");
    }
    return StsPolicy{
        .mode = *reading.mode, .max_age = *reading.max_age, .mx = std::move(reading.mx)};
}

std::string format_sts_policy(const StsPolicy& policy) {
    std::string text = fmt::format("version: STSv1\nmode: {}\n", format_sts_mode(policy.mode));
    for (const std::string& pattern : policy.mx) {
        text += fmt::format("mx: {}\n", pattern);
    }
    return text + fmt::format("max_age: {}\n", policy.max_age.count());
}

}  // namespace siding::dns

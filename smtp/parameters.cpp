#include "smtp/parameters.hpp"

#include "base/bytes.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <fmt/format.h>

namespace siding::smtp {
namespace {

Reply unknown(std::string_view parameter) {
    // RFC 5321 §4.1.1.11
    return Reply{555, {5, 5, 4}, "Unsupported parameter: " + printable(parameter)};
}

Reply bad(std::string_view parameter) {
    return Reply{501, {5, 5, 4}, "Bad parameter: " + printable(parameter)};
}

// RFC 1870 §3: one to twenty digits.
bool take_size(std::string_view value, MailParameters& parameters) {
    std::uint64_t size = 0;
    const char* const end = value.data() + value.size();
    const auto [parsed_to, error] = std::from_chars(value.data(), end, size);
    if (parameters.size || value.empty() || error != std::errc{} || parsed_to != end) {
        return false;
    }
    parameters.size = size;
    return true;
}

bool take_body(std::string_view value, MailParameters& parameters) {
    const bool eight_bit = equals_ignoring_case(value, "8BITMIME");
    if (parameters.body || (!eight_bit && !equals_ignoring_case(value, "7BIT"))) {
        return false;
    }
    parameters.body = eight_bit ? Body::eight_bit_mime : Body::seven_bit;
    return true;
}

struct MailKeyword {
    std::string_view keyword;
    bool (*take)(std::string_view value, MailParameters& parameters);  // false: bad or repeated
};

constexpr std::array mail_keywords = {
    MailKeyword{"SIZE", take_size},
    MailKeyword{"BODY", take_body},
};

std::vector<std::string> split(std::string_view text) {
    std::vector<std::string> out;
    for (;;) {
        text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
        if (text.empty()) {
            return out;
        }
        const std::size_t length = std::min(text.find_first_of(" \t"), text.size());
        out.emplace_back(text.substr(0, length));
        text.remove_prefix(length);
    }
}

bool is_printable_ascii(std::string_view text) {
    return std::ranges::all_of(text, [](char c) { return c > 0x20 && c < 0x7F; });
}

}  // namespace

std::string MailParameters::text() const {
    return fmt::format("{}", fmt::join(verbatim, " "));
}

std::string RcptParameters::text() const {
    return fmt::format("{}", fmt::join(verbatim, " "));
}

Parsed<MailParameters> parse_mail_parameters(std::string_view text) {
    MailParameters parameters;
    parameters.verbatim = split(text);
    for (const std::string_view one : parameters.verbatim) {
        const std::size_t equals = std::min(one.find('='), one.size());
        const auto row = std::ranges::find_if(mail_keywords, [&](const MailKeyword& known) {
            return equals_ignoring_case(known.keyword, one.substr(0, equals));
        });
        if (row == mail_keywords.end()) {
            return unknown(one);
        }
        const std::string_view value = equals < one.size() ? one.substr(equals + 1) : "";
        if (!is_printable_ascii(value) || !row->take(value, parameters)) {
            return bad(one);
        }
    }
    return parameters;
}

Parsed<RcptParameters> parse_rcpt_parameters(std::string_view text) {
    RcptParameters parameters;
    parameters.verbatim = split(text);
    if (!parameters.verbatim.empty()) {
        return unknown(parameters.verbatim.front());
    }
    return parameters;
}

}  // namespace siding::smtp

#include "smtp/parameters.hpp"

#include "base/bytes.hpp"
#include "smtp/xtext.hpp"

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

// What follows the '='; nothing without one.
using Value = std::optional<std::string_view>;

bool is_ascii(std::string_view text) {
    return std::ranges::all_of(text, [](unsigned char c) { return c < 0x80; });
}

bool has_control(std::string_view text) {
    return std::ranges::any_of(text, [](unsigned char c) { return c < 0x20 || c == 0x7F; });
}

// RFC 1870 §3: one to twenty digits.
bool take_size(const Value& value, MailParameters& parameters) {
    std::uint64_t size = 0;
    if (parameters.size || !value || value->empty()) {
        return false;
    }
    const char* const end = value->data() + value->size();
    const auto [parsed_to, error] = std::from_chars(value->data(), end, size);
    parameters.size = size;
    return error == std::errc{} && parsed_to == end;
}

bool take_body(const Value& value, MailParameters& parameters) {
    struct Row {
        std::string_view text;
        Body body;
    };
    constexpr std::array rows = {
        Row{"7BIT", Body::seven_bit},
        Row{"8BITMIME", Body::eight_bit_mime},
        Row{"BINARYMIME", Body::binary_mime},
    };
    const auto* const row = std::ranges::find_if(rows, [&](const Row& known) {
        return value && equals_ignoring_case(known.text, *value);
    });
    if (parameters.body || row == rows.end()) {
        return false;
    }
    parameters.body = row->body;
    return true;
}

bool take_flag(const Value& value, bool& flag) {
    return !value && !std::exchange(flag, true);
}

bool take_smtputf8(const Value& value, MailParameters& parameters) {
    return take_flag(value, parameters.smtputf8);
}

bool take_requiretls(const Value& value, MailParameters& parameters) {
    return take_flag(value, parameters.requiretls);
}

bool take_ret(const Value& value, MailParameters& parameters) {
    const bool full = value && equals_ignoring_case(*value, "FULL");
    if (parameters.ret || (!full && (!value || !equals_ignoring_case(*value, "HDRS")))) {
        return false;
    }
    parameters.ret = full ? Ret::full : Ret::hdrs;
    return true;
}

// RFC 3461 §4.4: printable ASCII before it was encoded.
bool take_envid(const Value& value, MailParameters& parameters) {
    const auto decoded = value ? decode_xtext(*value) : std::nullopt;
    if (parameters.envid || !decoded || decoded->empty() || has_control(*decoded) ||
        !is_ascii(*decoded)) {
        return false;
    }
    parameters.envid = *value;
    return true;
}

bool take_notify(const Value& value, RcptParameters& parameters) {
    if (parameters.notify || !value) {
        return false;
    }
    Notify notify;
    std::size_t words = 0;
    for (std::size_t start = 0; start <= value->size(); ++words) {
        const std::size_t comma = std::min(value->find(',', start), value->size());
        const std::string_view word = value->substr(start, comma - start);
        bool* const flag = equals_ignoring_case(word, "NEVER")     ? &notify.never
                           : equals_ignoring_case(word, "SUCCESS") ? &notify.success
                           : equals_ignoring_case(word, "FAILURE") ? &notify.failure
                           : equals_ignoring_case(word, "DELAY")   ? &notify.delay
                                                                   : nullptr;
        if (flag == nullptr) {
            return false;
        }
        *flag = true;
        start = comma + 1;
    }
    parameters.notify = notify;
    return !notify.never || words == 1;
}

bool is_address_type(std::string_view text) {
    return !text.empty() && std::ranges::all_of(text, [](unsigned char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '-' || c == '_' || c == '.';
    });
}

// RFC 3461 §4.2, and RFC 6533 §3: addresses of the type "utf-8" may stand there as they are.
bool take_orcpt(const Value& value, RcptParameters& parameters) {
    const std::size_t semicolon = value ? value->find(';') : std::string_view::npos;
    if (parameters.orcpt || semicolon == std::string_view::npos) {
        return false;
    }
    const std::string_view type = value->substr(0, semicolon);
    std::string ascii{value->substr(semicolon + 1)};
    const bool is_utf8_type = equals_ignoring_case(type, "utf-8");
    if (is_utf8_type) {
        std::erase_if(ascii, [](unsigned char c) { return c >= 0x80; });
    }
    const auto decoded = decode_xtext(ascii);
    if (!is_address_type(type) || semicolon + 1 == value->size() || !decoded ||
        has_control(*decoded) || !is_ascii(*decoded)) {
        return false;
    }
    parameters.orcpt = *value;
    return true;
}

template <typename Parameters>
struct Keyword {
    std::string_view text;
    Extension extension;
    bool (*take)(const Value& value, Parameters& parameters);  // false: bad or repeated
};

constexpr std::array mail_keywords = {
    Keyword<MailParameters>{"SIZE", Extension::size, take_size},
    Keyword<MailParameters>{"BODY", Extension::eight_bit_mime, take_body},
    Keyword<MailParameters>{"BODY", Extension::binarymime, take_body},
    Keyword<MailParameters>{"SMTPUTF8", Extension::smtputf8, take_smtputf8},
    Keyword<MailParameters>{"RET", Extension::dsn, take_ret},
    Keyword<MailParameters>{"ENVID", Extension::dsn, take_envid},
    Keyword<MailParameters>{"REQUIRETLS", Extension::requiretls, take_requiretls},
};

constexpr std::array rcpt_keywords = {
    Keyword<RcptParameters>{"NOTIFY", Extension::dsn, take_notify},
    Keyword<RcptParameters>{"ORCPT", Extension::dsn, take_orcpt},
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

// Both values of one keyword are their own extension's.
bool is_body_offered(const MailParameters& parameters, const Extensions& offered) {
    return (parameters.body != Body::eight_bit_mime || offered.has(Extension::eight_bit_mime)) &&
           (parameters.body != Body::binary_mime || offered.has(Extension::binarymime));
}

template <typename Parameters>
Parsed<Parameters> parse(std::string_view text, const Extensions& offered, const auto& keywords) {
    Parameters parameters;
    parameters.verbatim = split(text);
    for (const std::string_view one : parameters.verbatim) {
        const std::size_t equals = std::min(one.find('='), one.size());
        const auto row = std::ranges::find_if(keywords, [&](const auto& known) {
            return equals_ignoring_case(known.text, one.substr(0, equals)) &&
                   offered.has(known.extension);
        });
        if (row == keywords.end()) {
            return unknown(one);
        }
        const Value value = equals < one.size() ? Value{one.substr(equals + 1)} : std::nullopt;
        if (has_control(one) || !is_utf8(one) || !row->take(value, parameters)) {
            return bad(one);
        }
    }
    return parameters;
}

}  // namespace

std::string MailParameters::text() const {
    return fmt::format("{}", fmt::join(verbatim, " "));
}

std::string RcptParameters::text() const {
    return fmt::format("{}", fmt::join(verbatim, " "));
}

bool RcptParameters::needs_smtputf8() const {
    return orcpt && !is_ascii(*orcpt);
}

Parsed<MailParameters> parse_mail_parameters(std::string_view text, const Extensions& offered) {
    SIDING_ASSIGN(MailParameters parameters, parse<MailParameters>(text, offered, mail_keywords));
    if (!is_body_offered(parameters, offered)) {
        return Reply{555, {5, 5, 4}, "Unsupported value of BODY"};
    }
    return parameters;
}

Parsed<RcptParameters> parse_rcpt_parameters(std::string_view text, const Extensions& offered) {
    return parse<RcptParameters>(text, offered, rcpt_keywords);
}

}  // namespace siding::smtp

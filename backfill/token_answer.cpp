#include "backfill/token_answer.hpp"

#include "backfill/limits.hpp"
#include "base/bytes.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include <algorithm>
#include <charconv>
#include <fmt/format.h>

namespace siding::backfill {
namespace {

namespace json = boost::json;
using std::chrono::seconds;

constexpr std::size_t words_octets_max = 300;
constexpr unsigned status_timeout = 408;
constexpr unsigned status_too_many = 429;
constexpr unsigned status_server = 500;

std::optional<json::object> parse_object(const std::string& body) {
    json::error_code code;
    json::value value = json::parse(body, code);
    if (code || !value.is_object()) {
        return std::nullopt;
    }
    return std::move(value.get_object());
}

std::string text_at(const json::object& object, std::string_view key) {
    const json::value* value = object.if_contains(key);
    const json::string* text = value == nullptr ? nullptr : value->if_string();
    return text == nullptr ? std::string{} : std::string{text->data(), text->size()};
}

// Some write the number as a string.
std::optional<seconds> seconds_at(const json::object& object, std::string_view key) {
    const json::value* value = object.if_contains(key);
    if (value == nullptr) {
        return std::nullopt;
    }
    json::error_code code;
    auto number = value->to_number<std::int64_t>(code);
    if (code) {
        const std::string text = text_at(object, key);
        const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
        if (text.empty() || read.ec != std::errc{}) {
            return std::nullopt;
        }
    }
    constexpr std::int64_t year = 366LL * 24 * 60 * 60;
    return seconds{std::clamp<std::int64_t>(number, 0, year)};
}

// RFC 6749 appendix A: VSCHAR. Anything else could end the SASL message that a token goes into.
bool is_visible(std::string_view text) {
    return !text.empty() && text.size() <= limits::token_octets_max &&
           std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7F; });
}

bool is_web_address(std::string_view text) {
    return (text.starts_with("https://") || text.starts_with("http://")) && is_visible(text);
}

TokenRefusal no_answer(const std::string& what) {
    return {"", "the endpoint's answer " + what + "; is its URL right?", false};
}

// RFC 6749 §5.2, or whatever else a server or a proxy in front of it says.
TokenRefusal read_refusal(const net::HttpReply& reply, const Secrets& sent) {
    const json::object object = parse_object(reply.body).value_or(json::object{});
    TokenRefusal refusal;
    refusal.code = text_at(object, "error");
    if (!is_visible(refusal.code)) {
        refusal.code.clear();
    }
    refusal.is_retryable = reply.status >= status_server || reply.status == status_too_many ||
                           reply.status == status_timeout ||
                           refusal.code == "temporarily_unavailable" ||
                           refusal.code == "server_error";
    if (refusal.code.empty()) {
        refusal.words = fmt::format("the endpoint answers with HTTP status {}", reply.status);
        return refusal;
    }
    refusal.words = escape(without_secrets(refusal.code, sent), words_octets_max);
    std::string description = text_at(object, "error_description");
    description.resize(std::min(description.size(), description.find_first_of("\r\n")));
    if (description.ends_with('.')) {
        description.pop_back();
    }
    if (!description.empty()) {
        description = without_secrets(std::move(description), sent);
        refusal.words += ": " + escape(description, words_octets_max);
    }
    return refusal;
}

char hex_digit(unsigned value) {
    return "0123456789ABCDEF"[value & 0xFU];
}

std::string encode(std::string_view text) {
    std::string encoded;
    for (const char c : text) {
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                           (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == '*';
        const auto octet = static_cast<unsigned char>(c);
        if (plain) {
            encoded += c;
        } else if (c == ' ') {
            encoded += '+';
        } else {
            encoded += '%';
            encoded += hex_digit(octet >> 4U);
            encoded += hex_digit(octet);
        }
    }
    return encoded;
}

}  // namespace

TokenReply read_token_reply(const net::HttpReply& reply, const Secrets& sent) {
    if (!reply.ok()) {
        return read_refusal(reply, sent);
    }
    const auto object = parse_object(reply.body);
    if (!object) {
        return no_answer("is no JSON");
    }
    if (object->contains("error")) {  // with status 200, against RFC 6749 §5.2
        return read_refusal(reply, sent);
    }
    TokenAnswer answer;
    answer.access_token = text_at(*object, "access_token");
    answer.refresh_token = text_at(*object, "refresh_token");
    answer.lifetime = seconds_at(*object, "expires_in").value_or(limits::token_lifetime_unsaid);
    if (!is_visible(answer.access_token)) {
        return no_answer("has no access_token that could be used");
    }
    if (!answer.refresh_token.empty() && !is_visible(answer.refresh_token)) {
        return no_answer("has a refresh_token that cannot be used");
    }
    const std::string type = text_at(*object, "token_type");
    if (!type.empty() && !equals_ignoring_case(type, "bearer")) {  // RFC 6749 §7.1
        return no_answer("has a token of another type than Bearer");
    }
    return answer;
}

DeviceReply read_device_reply(const net::HttpReply& reply, const Secrets& sent) {
    if (!reply.ok()) {
        return read_refusal(reply, sent);
    }
    const auto object = parse_object(reply.body);
    if (!object) {
        return no_answer("is no JSON");
    }
    if (object->contains("error")) {
        return read_refusal(reply, sent);
    }
    DeviceCode code;
    code.device_code = text_at(*object, "device_code");
    code.user_code = text_at(*object, "user_code");
    code.verification_uri = text_at(*object, "verification_uri");
    if (code.verification_uri.empty()) {
        code.verification_uri = text_at(*object, "verification_url");  // Google's word
    }
    code.verification_uri_complete = text_at(*object, "verification_uri_complete");
    if (!is_web_address(code.verification_uri_complete)) {
        code.verification_uri_complete.clear();
    }
    // RFC 8628 §3.2: without an interval it is five seconds.
    code.interval = std::max(seconds_at(*object, "interval").value_or(seconds{5}), seconds{1});
    code.lifetime = seconds_at(*object, "expires_in").value_or(limits::device_lifetime_unsaid);
    if (!is_visible(code.device_code) || code.user_code.empty() ||
        !is_web_address(code.verification_uri)) {
        return no_answer("has no code and no address to type it in");
    }
    return code;
}

std::string format_form(const std::vector<std::pair<std::string, std::string>>& fields) {
    std::string form;
    for (const auto& [name, value] : fields) {
        if (!value.empty()) {
            form += fmt::format("{}{}={}", form.empty() ? "" : "&", encode(name), encode(value));
        }
    }
    return form;
}

std::string without_secrets(std::string text, const Secrets& secrets) {
    for (const std::string& secret : secrets) {
        for (auto at = secret.empty() ? std::string::npos : text.find(secret);
             at != std::string::npos;
             at = text.find(secret, at)) {
            text.replace(at, secret.size(), "***");
            at += 3;
        }
    }
    return text;
}

}  // namespace siding::backfill

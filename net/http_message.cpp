#include "net/http_message.hpp"

#include "base/bytes.hpp"

#include <charconv>

namespace siding::net {
namespace {

// RFC 3986 §2.3, and the '/' that parts a path.
bool is_plain(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view{"-._~/"}.find(c) != std::string_view::npos;
}

std::string encode(std::string_view text) {
    std::string encoded;
    for (const char c : text) {
        if (is_plain(c)) {
            encoded += c;
        } else {
            encoded += '%' + to_hex({&c, 1});
        }
    }
    return encoded;
}

Result<std::string> decode(std::string_view text, bool plus_is_space) {
    std::string decoded;
    for (std::size_t n = 0; n < text.size(); ++n) {
        if (text[n] != '%') {
            decoded += plus_is_space && text[n] == '+' ? ' ' : text[n];
            continue;
        }
        const std::string_view digits = text.substr(n + 1, 2);
        unsigned value = 0;
        const char* end = digits.data() + digits.size();
        const auto [stop, failure] = std::from_chars(digits.data(), end, value, 16);
        if (digits.size() != 2 || failure != std::errc{} || stop != end) {
            return Error{Errc::invalid_argument, "bad escape in \"" + escape(text) + "\""};
        }
        decoded += static_cast<char>(value);
        n += 2;
    }
    return decoded;
}

Result<HttpQuery> parse_query(std::string_view text) {
    HttpQuery query;
    while (!text.empty()) {
        const std::size_t end = text.find('&');
        const std::string_view item = text.substr(0, end);
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
        const std::size_t equals = item.find('=');
        const bool has_value = equals != std::string_view::npos;
        SIDING_ASSIGN(std::string key, decode(item.substr(0, equals), true));
        SIDING_ASSIGN(
            std::string value,
            decode(has_value ? item.substr(equals + 1) : std::string_view{}, true)
        );
        const auto [place, is_new] = query.emplace(std::move(key), std::move(value));
        if (!is_new) {
            return Error{
                Errc::invalid_argument, "parameter \"" + escape(place->first) + "\" given twice"};
        }
    }
    return query;
}

}  // namespace

std::string_view HttpRequest::bearer_token() const {
    constexpr std::string_view scheme = "bearer ";
    const auto found = headers.find("authorization");
    if (found == headers.end()) {
        return {};
    }
    const std::string_view value = found->second;
    const bool is_bearer = equals_ignoring_case(value.substr(0, scheme.size()), scheme);
    return is_bearer ? value.substr(scheme.size()) : std::string_view{};
}

Result<HttpTarget> parse_target(std::string_view text) {
    if (!text.starts_with('/')) {
        return Error{Errc::invalid_argument, "target \"" + escape(text) + "\" is not a path"};
    }
    const std::size_t mark = text.find('?');
    HttpTarget target;
    SIDING_ASSIGN(target.path, decode(text.substr(0, mark), false));
    if (mark != std::string_view::npos) {
        SIDING_ASSIGN(target.query, parse_query(text.substr(mark + 1)));
    }
    return target;
}

std::string format_target(const HttpTarget& target) {
    std::string text = encode(target.path);
    char separator = '?';
    for (const auto& [key, value] : target.query) {
        text += separator + encode(key) + '=' + encode(value);
        separator = '&';
    }
    return text;
}

}  // namespace siding::net

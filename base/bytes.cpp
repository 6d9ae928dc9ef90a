#include "base/bytes.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace siding {
namespace {

char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

// Length of the well-formed UTF-8 sequence at the front of `text`, 0 if there is none (RFC 3629
// §4). C1 controls (U+0080..U+009F) count as malformed: terminals obey them.
std::size_t utf8_length(std::string_view text) {
    const auto at = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const auto tail = [&](std::size_t i, unsigned from, unsigned to) {
        return i < text.size() && at(i) >= from && at(i) <= to;
    };
    const unsigned first = at(0);
    if (first >= 0xC2 && first <= 0xDF) {
        return tail(1, first == 0xC2 ? 0xA0 : 0x80, 0xBF) ? 2 : 0;
    }
    if (first >= 0xE0 && first <= 0xEF) {
        const unsigned from = first == 0xE0 ? 0xA0 : 0x80;
        const unsigned to = first == 0xED ? 0x9F : 0xBF;
        return tail(1, from, to) && tail(2, 0x80, 0xBF) ? 3 : 0;
    }
    if (first >= 0xF0 && first <= 0xF4) {
        const unsigned from = first == 0xF0 ? 0x90 : 0x80;
        const unsigned to = first == 0xF4 ? 0x8F : 0xBF;
        return tail(1, from, to) && tail(2, 0x80, 0xBF) && tail(3, 0x80, 0xBF) ? 4 : 0;
    }
    return 0;
}

}  // namespace

std::string to_lower(std::string_view text) {
    std::string out{text};
    std::ranges::transform(out, out.begin(), lower);
    return out;
}

bool equals_ignoring_case(std::string_view a, std::string_view b) {
    return std::ranges::equal(a, b, {}, lower, lower);
}

bool is_utf8(std::string_view text) {
    while (!text.empty()) {
        const std::size_t length =
            static_cast<unsigned char>(text[0]) < 0x80 ? 1 : utf8_length(text);
        if (length == 0) {
            return false;
        }
        text.remove_prefix(length);
    }
    return true;
}

std::string escape(std::string_view text, std::size_t length_max) {
    const bool cut = text.size() > length_max;
    std::string_view rest = text.substr(0, length_max);
    std::string out;
    out.reserve(rest.size());
    while (!rest.empty()) {
        const auto c = static_cast<unsigned char>(rest[0]);
        std::size_t used = 1;
        if (c >= 0x80 && (used = utf8_length(rest)) > 0) {
            out.append(rest.substr(0, used));
        } else if (c >= 0x20 && c < 0x7F && c != '\\') {
            out.push_back(rest[0]);
        } else {
            out += fmt::format("\\x{:02x}", c);
        }
        rest.remove_prefix(std::max<std::size_t>(used, 1));
    }
    return cut ? out + "…" : out;
}

std::string to_hex(std::string_view octets) {
    std::string out;
    out.reserve(octets.size() * 2);
    for (const char c : octets) {
        out += fmt::format("{:02x}", static_cast<unsigned char>(c));
    }
    return out;
}

}  // namespace siding

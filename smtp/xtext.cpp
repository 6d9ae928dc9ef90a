#include "smtp/xtext.hpp"

#include <fmt/format.h>

namespace siding::smtp {
namespace {

// Upper case is the rule (RFC 3461 §4), lower case is met.
std::optional<unsigned> to_digit(char c) {
    if (c >= '0' && c <= '9') {
        return static_cast<unsigned>(c - '0');
    }
    if (c >= 'A' && c <= 'F') {
        return static_cast<unsigned>(c - 'A' + 10);
    }
    if (c >= 'a' && c <= 'f') {
        return static_cast<unsigned>(c - 'a' + 10);
    }
    return std::nullopt;
}

bool is_graphic(char c) {
    return c > 0x20 && c < 0x7F;
}

}  // namespace

std::optional<std::string> decode_xtext(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (!is_graphic(text[i])) {
            return std::nullopt;
        }
        if (text[i] != '+') {
            out.push_back(text[i]);
            continue;
        }
        const bool is_whole = i + 2 < text.size();
        const auto high = is_whole ? to_digit(text[i + 1]) : std::nullopt;
        const auto low = is_whole ? to_digit(text[i + 2]) : std::nullopt;
        if (!high || !low) {
            return std::nullopt;
        }
        out.push_back(static_cast<char>(*high * 16 + *low));
        i += 2;
    }
    return out;
}

std::string encode_xtext(std::string_view octets) {
    std::string out;
    for (const char c : octets) {
        if (is_graphic(c) && c != '+' && c != '=') {
            out.push_back(c);
        } else {
            out += fmt::format("+{:02X}", static_cast<unsigned>(static_cast<unsigned char>(c)));
        }
    }
    return out;
}

}  // namespace siding::smtp

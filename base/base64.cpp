#include "base/base64.hpp"

#include <cstdint>

namespace siding {
namespace {

constexpr std::string_view digits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

}  // namespace

std::string to_base64(std::string_view octets) {
    std::string out;
    for (std::size_t at = 0; at < octets.size(); at += 3) {
        std::uint32_t group = 0;
        for (std::size_t i = 0; i < 3; ++i) {
            const bool is_there = at + i < octets.size();
            group = group << 8 | (is_there ? static_cast<unsigned char>(octets[at + i]) : 0);
        }
        for (std::size_t i = 0; i < 4; ++i) {
            const bool is_padding = at + i > octets.size();
            out += is_padding ? '=' : digits[group >> (18 - 6 * i) & 0x3F];
        }
    }
    return out;
}

Result<std::string> from_base64(std::string_view text) {
    const Error none{Errc::invalid_argument, "no base64"};
    if (text.size() % 4 != 0) {
        return none;
    }
    std::size_t padding = 0;
    while (padding < 2 && padding < text.size() && text[text.size() - 1 - padding] == '=') {
        ++padding;
    }
    std::string out;
    out.reserve(text.size() / 4 * 3);
    std::uint32_t group = 0;
    for (std::size_t at = 0; at < text.size(); ++at) {
        const bool is_padding = at >= text.size() - padding;
        const auto digit = is_padding ? 0 : digits.find(text[at]);
        if (digit == std::string_view::npos) {
            return none;
        }
        group = group << 6 | static_cast<std::uint32_t>(digit);
        if (at % 4 == 3) {
            for (const int shift : {16, 8, 0}) {
                out += static_cast<char>(group >> shift & 0xFF);
            }
        }
    }
    out.resize(out.size() - padding);
    return out;
}

}  // namespace siding

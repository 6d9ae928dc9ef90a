#include "base/base64.hpp"

#include <cstdint>

namespace siding {

std::string to_base64(std::string_view octets) {
    constexpr std::string_view digits =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
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

}  // namespace siding

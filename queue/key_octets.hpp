// Numbers in keys: big-endian, so that the order of keys is the order of numbers.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace siding::queue::keys {

inline void put_u64(std::string& out, std::uint64_t number) {
    for (int shift = 56; shift >= 0; shift -= 8) {
        out.push_back(static_cast<char>(number >> shift));
    }
}

inline void put_u32(std::string& out, std::uint32_t number) {
    for (int shift = 24; shift >= 0; shift -= 8) {
        out.push_back(static_cast<char>(number >> shift));
    }
}

// Of at most eight octets.
inline std::uint64_t get_number(std::string_view octets) {
    std::uint64_t number = 0;
    for (const char c : octets) {
        number = number << 8 | static_cast<unsigned char>(c);
    }
    return number;
}

// The smallest key after every key that starts with `prefix`; empty if there is none.
inline std::string after_prefix(std::string_view prefix) {
    std::string out{prefix};
    while (!out.empty() && static_cast<unsigned char>(out.back()) == 0xFF) {
        out.pop_back();
    }
    if (!out.empty()) {
        out.back() = static_cast<char>(static_cast<unsigned char>(out.back()) + 1);
    }
    return out;
}

}  // namespace siding::queue::keys

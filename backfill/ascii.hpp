// Beside base/bytes.hpp: names of the protocol are kept in upper case.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

namespace siding::backfill {

// ASCII only; other octets stay as they are.
inline std::string to_upper(std::string_view text) {
    std::string out{text};
    std::ranges::transform(out, out.begin(), [](char c) {
        return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    });
    return out;
}

}  // namespace siding::backfill

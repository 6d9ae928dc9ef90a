#include "base/glob.hpp"

#include <cstddef>

namespace siding {

// What is behind the last `*` may always be tried one octet further on: an earlier `*` need never
// be looked at again.
bool matches_glob(std::string_view pattern, std::string_view text) {
    std::size_t in_pattern = 0;
    std::size_t in_text = 0;
    std::size_t star = std::string_view::npos;
    std::size_t taken = 0;  // where the text goes on behind what the star has taken
    while (in_text < text.size()) {
        const bool more = in_pattern < pattern.size();
        if (more && pattern[in_pattern] == '*') {
            star = in_pattern++;
            taken = in_text;
        } else if (more && (pattern[in_pattern] == '?' || pattern[in_pattern] == text[in_text])) {
            ++in_pattern;
            ++in_text;
        } else if (star != std::string_view::npos) {
            in_pattern = star + 1;
            in_text = ++taken;
        } else {
            return false;
        }
    }
    while (in_pattern < pattern.size() && pattern[in_pattern] == '*') {
        ++in_pattern;
    }
    return in_pattern == pattern.size();
}

}  // namespace siding

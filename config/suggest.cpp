#include "config/suggest.hpp"

#include <algorithm>
#include <numeric>
#include <utility>
#include <vector>

namespace siding::config {
namespace {

// Levenshtein's distance, one row at a time.
std::size_t distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> row(b.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 0; i < a.size(); ++i) {
        std::size_t diagonal = std::exchange(row[0], i + 1);
        for (std::size_t j = 0; j < b.size(); ++j) {
            const std::size_t change = diagonal + (a[i] == b[j] ? 0 : 1);
            diagonal = row[j + 1];
            row[j + 1] = std::min({change, row[j] + 1, row[j + 1] + 1});
        }
    }
    return row.back();
}

}  // namespace

std::optional<std::string_view> suggest(
    std::string_view written, std::span<const std::string_view> words
) {
    constexpr std::size_t written_max = 64;  // longer ones are no typing mistakes
    if (written.size() > written_max) {
        return std::nullopt;
    }
    std::optional<std::string_view> best;
    std::size_t best_distance = 1 + std::max<std::size_t>(1, written.size() / 3);
    for (const std::string_view word : words) {
        const std::size_t d = distance(written, word);
        if (d < best_distance) {
            best = word;
            best_distance = d;
        }
    }
    return best;
}

}  // namespace siding::config

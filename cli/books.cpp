#include "cli/books.hpp"

#include "cli/document.hpp"
#include "cli/quantities.hpp"
#include "queue/recipient_state.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace siding::cli {

std::string format_books(const boost::json::object& counts) {
    std::uint64_t sum = 0;
    std::string parts;
    for (const queue::State state : queue::all_states) {
        const auto number = number_at(counts, queue::format_state(state));
        sum += number;
        if (number > 0) {
            std::string name{queue::format_state(state)};
            std::ranges::replace(name, '_', ' ');
            parts += fmt::format("{}{} {}", parts.empty() ? "" : " + ", name, human_count(number));
        }
    }
    const auto replayed = number_at(counts, "replayed");
    const auto accepted =
        counts.contains("accepted") ? number_at(counts, "accepted") : sum - replayed;
    const bool balanced = accepted + replayed == sum;
    return fmt::format(
        "accepted {}{} {} {}",
        human_count(accepted),
        replayed > 0 ? fmt::format(" + replayed {}", human_count(replayed)) : std::string{},
        balanced ? "=" : "≠",
        parts.empty() ? "0" : parts
    );
}

}  // namespace siding::cli

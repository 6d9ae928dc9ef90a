#include "queue/counters.hpp"

#include <numeric>

namespace siding::queue {

std::uint64_t StateCounts::total() const {
    return std::accumulate(by_state.begin(), by_state.end(), std::uint64_t{0});
}

std::uint64_t StateCounts::waiting() const {
    return total() - of(State::delivered) - of(State::discarded);
}

StateCounts Counters::all() const {
    StateCounts sum;
    for (const auto& [wave, counts] : waves) {
        for (const State state : all_states) {
            sum.of(state) += counts.of(state);
        }
        sum.held_octets += counts.held_octets;
        sum.kept += counts.kept;
        sum.retained += counts.retained;
        sum.retained_octets += counts.retained_octets;
        sum.replayed += counts.replayed;
    }
    return sum;
}

}  // namespace siding::queue

// How many recipients are in which state, per domain and wave and per release job. Kept up by the
// one writer inside each batch; never found by scanning. `siding audit` compares them with a scan.
#pragma once

#include "queue/recipient_state.hpp"

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <utility>

namespace siding::queue {

struct StateCounts {
    std::array<std::uint64_t, all_states.size()> by_state{};
    std::uint64_t held_octets = 0;  // sum of sizes over held recipients
    std::uint64_t kept = 0;         // held recipients that only an operator's order takes off

    std::uint64_t of(State state) const { return by_state[static_cast<std::size_t>(state)]; }
    std::uint64_t& of(State state) { return by_state[static_cast<std::size_t>(state)]; }
    std::uint64_t total() const;  // of all states: everything ever accepted

    bool operator==(const StateCounts&) const = default;
};

struct Counters {
    std::map<std::pair<std::string, std::string>, StateCounts> waves;  // (domain, wave)
    std::map<std::uint64_t, StateCounts> releases;                     // release job id

    StateCounts all() const;
};

}  // namespace siding::queue

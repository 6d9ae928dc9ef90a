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
    // Delivered ones whose rows are still there; of waves, not of releases.
    std::uint64_t retained = 0;
    std::uint64_t retained_octets = 0;  // sum of sizes over them
    std::uint64_t replayed = 0;         // times that one of them was made due again

    std::uint64_t of(State state) const { return by_state[static_cast<std::size_t>(state)]; }
    std::uint64_t& of(State state) { return by_state[static_cast<std::size_t>(state)]; }
    std::uint64_t waiting() const;  // of those that have not ended
    std::uint64_t total() const;    // of all states: everything ever accepted or replayed
    std::uint64_t accepted() const { return total() - replayed; }  // of waves

    bool operator==(const StateCounts&) const = default;
};

// Messages that have ended whole and are kept for a replay.
struct Retained {
    std::uint64_t messages = 0;
    std::uint64_t octets = 0;  // of their bodies

    bool operator==(const Retained&) const = default;
};

struct Counters {
    std::map<std::pair<std::string, std::string>, StateCounts> waves;  // (domain, wave)
    std::map<std::uint64_t, StateCounts> releases;                     // release job id
    Retained retained;

    StateCounts all() const;
};

}  // namespace siding::queue

// The rows of the queue by wave and state, counted one by one, and where other counts differ.
#pragma once

#include "cutover/problems.hpp"
#include "queue/counters.hpp"
#include "queue/recipient.hpp"

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <utility>

namespace siding::cutover {

inline constexpr std::array states_in_queue{
    queue::State::held, queue::State::due, queue::State::in_flight, queue::State::parked};

class RowTally {
public:
    // A recipient that changed state during the walk may have been counted in either state: so many
    // recipients came into or left each state.
    using Moves = std::array<std::uint64_t, queue::all_states.size()>;

    // A delivered row is a retained one: beside the states.
    void add(const queue::Recipient& row);

    queue::StateCounts all() const;

    // Counters that were kept along the way.
    void compare_counters(const queue::Counters& counters, const Moves& moves, Problems& problems)
        const;
    // Where nothing was delivered, replayed or pruned during the walk.
    void compare_retained(
        const queue::Counters& counters, std::uint64_t indexed, Problems& problems
    ) const;
    // Counts found by state, the way that releases and lanes find their work.
    void compare_indexes(const queue::StateCounts& indexed, const Moves& moves, Problems& problems)
        const;

private:
    std::map<std::pair<std::string, std::string>, queue::StateCounts> waves_;
};

}  // namespace siding::cutover

#include "cutover/row_tally.hpp"

#include "base/bytes.hpp"

#include <fmt/format.h>
#include <set>

namespace siding::cutover {
namespace {

using queue::State;
using queue::StateCounts;

std::uint64_t distance(std::uint64_t a, std::uint64_t b) {
    return a > b ? a - b : b - a;
}

std::uint64_t moves_of(const RowTally::Moves& moves, State state) {
    return moves[static_cast<std::size_t>(state)];
}

void compare_wave(
    const std::string& name,
    const StateCounts& rows,
    const StateCounts& counted,
    const RowTally::Moves& moves,
    Problems& problems
) {
    for (const State state : states_in_queue) {
        if (distance(rows.of(state), counted.of(state)) > moves_of(moves, state)) {
            problems.add(fmt::format(
                "{}: the queue has {} recipients {}, the counters say {}",
                name,
                rows.of(state),
                queue::format_state(state),
                counted.of(state)
            ));
        }
    }
    if (distance(rows.kept, counted.kept) > moves_of(moves, State::held)) {
        problems.add(fmt::format(
            "{}: the queue keeps {} recipients on hold by an operator's order, the counters say {}",
            name,
            rows.kept,
            counted.kept
        ));
    }
    if (moves_of(moves, State::held) == 0 && rows.held_octets != counted.held_octets) {
        problems.add(fmt::format(
            "{}: the queue holds {} octets, the counters say {}",
            name,
            rows.held_octets,
            counted.held_octets
        ));
    }
}

}  // namespace

void RowTally::add(const queue::Recipient& row) {
    StateCounts& wave = waves_[{row.domain.text(), row.wave}];
    ++wave.of(row.state);
    wave.held_octets += row.state == State::held ? row.size_octets : 0;
    wave.kept += row.state == State::held && row.kept ? 1 : 0;
}

StateCounts RowTally::all() const {
    StateCounts sum;
    for (const auto& [wave, counts] : waves_) {
        for (const State state : queue::all_states) {
            sum.of(state) += counts.of(state);
        }
        sum.held_octets += counts.held_octets;
        sum.kept += counts.kept;
    }
    return sum;
}

void RowTally::compare_counters(
    const queue::Counters& counters, const Moves& moves, Problems& problems
) const {
    std::set<std::pair<std::string, std::string>> names;
    for (const auto& [wave, counts] : waves_) {
        names.insert(wave);
    }
    for (const auto& [wave, counts] : counters.waves) {
        names.insert(wave);
    }
    const auto in = [](const auto& waves, const auto& wave) {
        const auto found = waves.find(wave);
        return found == waves.end() ? StateCounts{} : found->second;
    };
    for (const auto& wave : names) {
        const std::string name = fmt::format("{}/{}", escape(wave.first), escape(wave.second));
        compare_wave(name, in(waves_, wave), in(counters.waves, wave), moves, problems);
    }
}

void RowTally::compare_indexes(const StateCounts& indexed, const Moves& moves, Problems& problems)
    const {
    const StateCounts rows = all();
    for (const State state : states_in_queue) {
        if (distance(indexed.of(state), rows.of(state)) > moves_of(moves, state)) {
            problems.add(fmt::format(
                "the queue has {} recipients {}, its index finds {}",
                rows.of(state),
                queue::format_state(state),
                indexed.of(state)
            ));
        }
    }
}

}  // namespace siding::cutover

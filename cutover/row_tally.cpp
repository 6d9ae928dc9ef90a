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

using Waves = std::map<std::pair<std::string, std::string>, StateCounts>;

// Calls `visit` with the name of each wave of either side and the counts of both.
template <typename Visit>
void for_each_wave(const Waves& rows, const Waves& counted, Visit visit) {
    std::set<std::pair<std::string, std::string>> names;
    for (const auto& [wave, counts] : rows) {
        names.insert(wave);
    }
    for (const auto& [wave, counts] : counted) {
        names.insert(wave);
    }
    const auto in = [](const Waves& waves, const auto& wave) {
        const auto found = waves.find(wave);
        return found == waves.end() ? StateCounts{} : found->second;
    };
    for (const auto& wave : names) {
        const std::string name = fmt::format("{}/{}", escape(wave.first), escape(wave.second));
        visit(name, in(rows, wave), in(counted, wave));
    }
}

}  // namespace

void RowTally::add(const queue::Recipient& row) {
    StateCounts& wave = waves_[{row.domain.text(), row.wave}];
    if (queue::is_final(row.state)) {
        wave.retained += 1;
        wave.retained_octets += row.size_octets;
        return;
    }
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
        sum.retained += counts.retained;
        sum.retained_octets += counts.retained_octets;
    }
    return sum;
}

void RowTally::compare_counters(
    const queue::Counters& counters, const Moves& moves, Problems& problems
) const {
    for_each_wave(
        waves_,
        counters.waves,
        [&](const auto& name, const auto& rows, const auto& kept) {
            compare_wave(name, rows, kept, moves, problems);
        }
    );
}

void RowTally::compare_retained(
    const queue::Counters& counters, std::uint64_t indexed, Problems& problems
) const {
    for_each_wave(
        waves_,
        counters.waves,
        [&](const auto& name, const auto& rows, const auto& kept) {
            if (rows.retained != kept.retained || rows.retained_octets != kept.retained_octets) {
                problems.add(fmt::format(
                    "{}: {} delivered recipients ({} octets) are retained, the counters say {} "
                    "({})",
                    name,
                    rows.retained,
                    rows.retained_octets,
                    kept.retained,
                    kept.retained_octets
                ));
            }
        }
    );
    if (const std::uint64_t rows = all().retained; rows != indexed) {
        problems.add(
            fmt::format("{} delivered recipients are retained, their index finds {}", rows, indexed)
        );
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

// The phase of a wave: what happens to mail that arrives for it, and where the wave may go next.
// The queue keeps the phase in force; the configuration only names the first one.
#pragma once

#include "base/result.hpp"

#include <optional>
#include <span>
#include <string_view>

namespace siding {

enum class Phase {
    prep,      // refused with 450 4.7.1: configured, cutover not begun
    pass_old,  // passed through to `old`
    hold,      // stored and kept
    release,   // queued behind the backlog, which drains to `new`
    pass_new,  // passed through to `new`
    retired,   // refused with 550 5.1.2
};

std::span<const Phase> all_phases();

Result<Phase> parse_phase(std::string_view text);
std::string_view format_phase(Phase phase);

// Where an operator may move to, in the order that a cutover usually takes. Staying is no move.
std::span<const Phase> legal_moves(Phase from);
bool is_legal_move(Phase from, Phase to);

// The server that the phase sends to: "old", "new", or nothing.
std::optional<std::string_view> server_of(Phase phase);

}  // namespace siding

// Where a recipient goes, from its phase: computed at each attempt, never stored, so that a flip
// counts for what is queued as well.
#pragma once

#include "queue/phase_table.hpp"
#include "queue/recipient.hpp"

#include <optional>
#include <string>

namespace siding::relay {

// The server, or nothing: it stays (or goes back) on hold.
std::optional<std::string> route(
    const queue::PhaseTable& phases,
    const Domain& domain,
    const std::string& wave,
    const std::string& pinned_server
);

}  // namespace siding::relay

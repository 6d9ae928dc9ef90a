// Where a recipient goes, from its phase: computed at each attempt, never stored, so that a flip
// counts for what is queued as well. Pure.
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

// Where new mail goes, by the phase at its MAIL.
struct Destination {
    enum class Way {
        hold,
        queue,  // and out at once
        pass,   // to the server while the sender waits
    };

    Way way = Way::hold;
    std::string server{};  // queue, pass
    std::string copy{};    // a second server, for a parallel run; empty for none
};

Destination route_new(
    const queue::PhaseTable& phases, const Domain& domain, const std::string& wave, bool may_pass
);

}  // namespace siding::relay

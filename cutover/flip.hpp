// A flip: the phases of one or more waves change in one atomic write. What the new phase demands of
// the backlog is the dispatcher's to order, who looks at what is there. And its way back.
#pragma once

#include "config/config.hpp"
#include "queue/queue.hpp"

#include <boost/asio/awaitable.hpp>

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace siding::cutover {

struct Flip {
    std::uint64_t epoch = 0;
    std::vector<Phase> from;             // one per move: the phase before it
    std::vector<std::string> copy_from;  // likewise: who got a copy
};

// "example.com", or "example.com/pilot".
std::string format_wave(const Domain& domain, const std::string& wave);

// Durable when it answers. Errc::not_found: a wave that no configuration names. Errc::conflict: an
// illegal move; the message names the legal ones. Nothing has changed after these two, nor after a
// move to the phase in force with the copy in force.
//
// `moves`, `who` and `why` are values: the caller's frame may end first.
boost::asio::awaitable<Result<Flip>> flip(
    queue::Queue& queue, std::vector<queue::PhaseMove> moves, std::string who, std::string why
);

// What takes a flip back.
struct Rollback {
    queue::FlipRecord undone;            // the flip that is taken back
    std::vector<queue::FlipMove> moves;  // from what is in force to what was before
    std::uint64_t epoch = 0;             // 0: not done, only planned
};

// The newest flip that was not taken back and takes none back itself, turned round. `flips`: newest
// first. A wave that phase release has made pass_new by itself is where its flip has put it; on
// hold, the way back to pass_new is by phase release, which drains what was held.
//
// Errc::not_found: there is none left. Errc::conflict: a wave is elsewhere by now, is gone, or
// cannot go back; the message names them all, and nothing is planned.
Result<Rollback> plan_rollback(
    std::span<const queue::FlipRecord> flips, const queue::PhaseTable& phases
);

// Does it, unless `dry_run`. A second one goes back to the flip before, and so on.
boost::asio::awaitable<Result<Rollback>> roll_back(
    queue::Queue& queue, std::string who, std::string why, bool dry_run
);

// The phases of the configuration, for what the queue does not know yet; `who` is the daemon. A
// wave without a phase of its own begins where `default` is in force, or else is configured.
queue::SetPhases initial_phases(const config::Config& config, const queue::PhaseTable& phases);

}  // namespace siding::cutover

// A flip: the phases of one or more waves change in one atomic write, and what the new phase
// demands of the backlog is ordered.
#pragma once

#include "queue/queue.hpp"
#include "relay/mover.hpp"

#include <boost/asio/awaitable.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace siding::cutover {

struct Flip {
    std::uint64_t epoch = 0;
    std::vector<Phase> from;  // one per move: the phase before it
};

// Durable when it answers. Errc::not_found: a wave that no configuration names. Errc::conflict: an
// illegal move; the message names the legal ones. Nothing has changed after these two. Moving to
// the phase in force changes nothing either, but `release` orders the backlog again: the way on
// where the first order was cut off.
//
// `moves`, `who` and `why` are values: the caller's frame may end first.
boost::asio::awaitable<Result<Flip>> flip(
    queue::Queue& queue,
    relay::Mover& mover,
    std::vector<queue::PhaseMove> moves,
    std::string who,
    std::string why
);

}  // namespace siding::cutover

// A flip: the phases of one or more waves change in one atomic write. What the new phase demands of
// the backlog is the dispatcher's to order, who looks at what is there.
#pragma once

#include "queue/queue.hpp"

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
// illegal move; the message names the legal ones. Nothing has changed after these two, nor after a
// move to the phase in force.
//
// `moves`, `who` and `why` are values: the caller's frame may end first.
boost::asio::awaitable<Result<Flip>> flip(
    queue::Queue& queue, std::vector<queue::PhaseMove> moves, std::string who, std::string why
);

}  // namespace siding::cutover

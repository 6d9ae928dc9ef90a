// An order to move waves, as the API takes it, on its way to a flip. Included by the handlers of
// phases and flips.
#pragma once

#include "base/phase.hpp"
#include "control/json.hpp"
#include "control/services.hpp"
#include "cutover/flip.hpp"

#include <optional>
#include <string>
#include <vector>

namespace siding::control {

struct FlipOrder {
    Phase to = Phase::prep;
    std::optional<std::string> copy;  // empty: none; nothing: as it is where the phase stays
    std::vector<queue::PhaseMove> moves;
    std::string who;
    std::string why;
    std::string release_held;  // a server that what is held goes to; empty for none

    void add(const Domain& domain, const std::string& wave, const queue::PhaseTable& phases);
};

// The key "copy": a server, or "none" or nothing in it for none.
Result<void> read_copy(const Body& body, FlipOrder& order);

// That there are such servers, and that a copy goes beside what a phase sends.
// Errc::invalid_argument.
Result<void> check_servers(const Services& services, const FlipOrder& order);
Result<void> check_server(const Services& services, const std::string& server);

net::awaitable<Result<cutover::Flip>> do_flip(Services& services, FlipOrder order);

// Orders the release of what the waves of the moves hold, but for what an operator has put on hold
// by name; the jobs' numbers. Nothing where `server` is empty.
net::awaitable<Result<std::vector<std::uint64_t>>> release_held(
    Services& services, std::vector<queue::FlipMove> moves, std::string server, std::string who
);

}  // namespace siding::control

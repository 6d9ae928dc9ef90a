#include "relay/router.hpp"

#include <utility>

namespace siding::relay {

std::optional<std::string> route(
    const queue::PhaseTable& phases,
    const Domain& domain,
    const std::string& wave,
    const std::string& pinned_server
) {
    if (!pinned_server.empty()) {
        return pinned_server;  // the operator said `release --to`
    }
    const auto phase = phases.find(domain, wave);
    const auto server = phase ? server_of(*phase) : std::nullopt;
    return server ? std::optional<std::string>{*server} : std::nullopt;
}

Destination route_new(
    const queue::PhaseTable& phases, const Domain& domain, const std::string& wave, bool may_pass
) {
    const auto phase = phases.find(domain, wave);
    // In phase release new mail waits behind the backlog, so that none overtakes.
    const bool passes = phase == Phase::pass_old || phase == Phase::pass_new;
    if (!passes) {
        return {};
    }
    const std::string server{*server_of(*phase)};
    std::string copy = phases.copy_of(domain, wave);
    if (copy == server) {
        copy.clear();
    }
    return {may_pass ? Destination::Way::pass : Destination::Way::queue, server, std::move(copy)};
}

}  // namespace siding::relay

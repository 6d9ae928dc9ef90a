#include "relay/router.hpp"

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

}  // namespace siding::relay

// The lanes of all configured servers, the release jobs, and what a flip demands of the queue:
// queued mail follows the phases, and in phase release what is held moves to its lane, until
// nothing is left and the wave becomes pass_new. Lives on one executor; wake() may be called from
// any thread.
#pragma once

#include "relay/lane.hpp"
#include "relay/mover.hpp"
#include "relay/release_controller.hpp"
#include "relay/release_phases.hpp"

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace siding::relay {

class Dispatcher {
public:
    Dispatcher(
        queue::Queue& queue,
        const config::Live& config,
        boost::asio::any_io_executor executor,
        Metrics& metrics,
        NextHops* next_hops = nullptr,      // nothing: each server's address alone
        const RemapTable* remaps = nullptr  // nothing: no address is remapped
    );

    net::awaitable<Result<void>> start();

    // After a reload: lanes for servers that are new.
    net::awaitable<Result<void>> add_lanes();

    void wake(const std::string& server, WallTime earliest);
    void wake_all(WallTime earliest);

    // No new attempts from here on; orders are still taken.
    net::awaitable<void> stop_claiming();

    // Lets attempts under way come to their end until `deadline`, then cuts them off.
    net::awaitable<void> stop(std::chrono::milliseconds deadline);

    net::awaitable<std::vector<LaneStatus>> status() const;
    Mover& mover() { return mover_; }
    ReleaseController& releases() { return releases_; }

private:
    Result<void> create_lanes();
    net::awaitable<void> watch_phases();

    queue::Queue& queue_;
    const config::Live& config_;
    net::TaskGroup tasks_;
    LaneContext context_;
    Mover mover_;
    ReleaseController releases_;
    ReleasePhases release_phases_;
    Wakeup phase_watch_;
    std::map<std::string, std::unique_ptr<Lane>> lanes_;
    std::uint64_t redirected_epoch_ = 0;  // queued mail has followed the flips up to this one
    bool stopping_ = false;
};

}  // namespace siding::relay

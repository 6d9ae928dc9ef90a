// Phase release: each wave in it has one job that drains what is held, oldest first, and takes up
// what comes behind it. When the backlog is empty the wave becomes pass_new by itself. Looks at
// what is there and not at what was ordered, so a restart needs nothing of it.
#pragma once

#include "relay/release_controller.hpp"

#include <chrono>
#include <map>
#include <string>
#include <utility>

namespace siding::relay {

class ReleasePhases {
public:
    ReleasePhases(queue::Queue& queue, ReleaseController& releases)
        : queue_{queue}, releases_{releases} {}

    // Twice a second, on the executor of the release tasks.
    net::awaitable<void> advance();

private:
    using Wave = std::pair<std::string, std::string>;  // domain, wave

    // Of a wave: when it is worth looking at rows again, and what was seen.
    struct Look {
        std::chrono::steady_clock::time_point next{};
        std::uint64_t held_seen = 0;
        std::uint64_t epoch_seen = 0;
    };

    net::awaitable<Result<void>> advance_release(const Wave& wave);
    net::awaitable<Result<void>> end_phase(const Wave& wave);
    net::awaitable<Result<bool>> is_all_fresh(const Wave& wave, WallTime began_at);
    net::awaitable<Result<void>> take_stragglers(const Wave& wave);
    net::awaitable<Result<void>> end_paused(const Wave& wave, queue::ReleaseState state);
    net::awaitable<Result<void>> order_for(const Wave& wave, std::string server);

    queue::Queue& queue_;
    ReleaseController& releases_;
    std::map<Wave, Look> looks_;
};

}  // namespace siding::relay

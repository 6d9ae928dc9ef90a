// A release job: an order to let mail go, kept in the queue so that it survives a restart. What it
// does is the release controller's (relay/); here it is a value.
#pragma once

#include "queue/filter.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace siding::queue {

enum class ReleaseState {
    running,
    canary,     // waits for the outcomes of the first few
    paused,     // by an operator, or because too many were refused
    complete,   // everything that matched was moved
    cancelled,  // what was moved stays due
};

constexpr bool is_over(ReleaseState state) {
    return state == ReleaseState::complete || state == ReleaseState::cancelled;
}

enum class ReleaseOrder { oldest, small_first };

std::string_view format_release_state(ReleaseState state);
std::string_view format_release_order(ReleaseOrder order);
Result<ReleaseOrder> parse_release_order(std::string_view text);

struct ReleaseJob {
    std::uint64_t id = 0;  // set by the store for a new job
    Filter filter;
    std::string server;
    bool pinned = true;
    WallTime ordered_at{};
    std::string who;
    std::uint64_t chosen = 0;  // recipients that the job has moved to due so far

    ReleaseState state = ReleaseState::running;
    std::string why;                    // of a pause or a cancel
    WallTime changed_at{};              // of `state`
    std::uint64_t canary = 0;           // so many first; 0: no canary
    std::uint64_t rate_per_minute = 0;  // 0: as fast as the lane takes it
    ReleaseOrder order = ReleaseOrder::oldest;
    std::vector<std::string> first;  // addresses in lower case that go before all others
    unsigned pause_percent = 0;      // refused ones above it pause the job; 0: never
    std::uint64_t total = 0;         // recipients that matched when it was ordered …
    std::uint64_t total_octets = 0;  // … and the sum of their sizes
    bool of_phase = false;           // ordered by phase release, not by an operator
};

}  // namespace siding::queue

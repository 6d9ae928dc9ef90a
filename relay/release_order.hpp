// In which order a release job takes what it was ordered for: the addresses that go first, then
// the oldest, or the small ones class by class. Pure.
#pragma once

#include "queue/release_job.hpp"

#include <chrono>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

namespace siding::relay {

// One walk over the queue, oldest message first. A recipient may be in several: the first takes it.
struct ReleasePass {
    queue::Filter filter;
    std::uint64_t octets_max = UINT64_MAX;  // larger ones belong to a later pass
    bool goes_first = false;                // for an address that the order names
    std::set<std::string> except = {};      // addresses, and domains as "@example.com"
    // What this pass moves is due so much before the order: lanes go by due time, and keep the
    // order of the passes.
    std::chrono::milliseconds lead{0};
};

// At least one.
std::vector<ReleasePass> plan_release(const queue::ReleaseJob& job);

// A canary is not made of those that go first: it may be refused.
std::vector<ReleasePass> plan_canary(const queue::ReleaseJob& job);

}  // namespace siding::relay

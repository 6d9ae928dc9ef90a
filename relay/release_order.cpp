#include "relay/release_order.hpp"

#include "base/bytes.hpp"

#include <algorithm>
#include <array>

namespace siding::relay {
namespace {

// What small_first calls small: mail without attachments, with some, and what is large anywhere.
constexpr std::array<std::uint64_t, 4> class_octets_max{
    64ULL << 10, 1ULL << 20, 10ULL << 20, UINT64_MAX};

bool is_compatible(const queue::Filter& wanted, const queue::Filter& narrow) {
    return (!wanted.domain || wanted.domain == narrow.domain) &&
           (!wanted.recipient || wanted.recipient == narrow.recipient);
}

void add_first(std::vector<ReleasePass>& plan, const queue::ReleaseJob& job) {
    for (const std::string& address : job.first) {
        queue::Filter narrow;
        if (!queue::set_recipient(narrow, address) || !is_compatible(job.filter, narrow)) {
            continue;
        }
        ReleasePass pass{.filter = job.filter, .goes_first = true};
        pass.filter.domain = narrow.domain;
        if (narrow.recipient) {
            pass.filter.recipient = narrow.recipient;
        }
        plan.push_back(std::move(pass));
    }
}

void add_classes(std::vector<ReleasePass>& plan, const queue::ReleaseJob& job) {
    std::uint64_t above = job.filter.larger_octets.value_or(0);
    for (const std::uint64_t octets_max : class_octets_max) {
        if (octets_max <= above) {
            continue;
        }
        ReleasePass pass{.filter = job.filter, .octets_max = octets_max};
        if (above > 0) {
            pass.filter.larger_octets = above;
        }
        plan.push_back(std::move(pass));
        above = octets_max;
    }
}

}  // namespace

std::vector<ReleasePass> plan_release(const queue::ReleaseJob& job) {
    std::vector<ReleasePass> plan;
    add_first(plan, job);
    switch (job.order) {
    case queue::ReleaseOrder::oldest:
        plan.push_back({.filter = job.filter});
        break;
    case queue::ReleaseOrder::small_first:
        add_classes(plan, job);
        break;
    }
    // Those for addresses that go first are one group: among them the oldest goes first.
    std::chrono::milliseconds lead{0};
    for (auto pass = plan.rbegin(); pass != plan.rend(); ++pass) {
        const bool is_new_group =
            pass != plan.rbegin() && !(pass->goes_first && std::prev(pass)->goes_first);
        lead += std::chrono::milliseconds{is_new_group ? 1 : 0};
        pass->lead = lead;
    }
    return plan;
}

std::vector<ReleasePass> plan_canary(const queue::ReleaseJob& job) {
    std::vector<ReleasePass> plan = plan_release(job);
    std::erase_if(plan, [](const ReleasePass& pass) { return pass.goes_first; });
    for (ReleasePass& pass : plan) {
        for (const std::string& address : job.first) {
            pass.except.insert(to_lower(address));
        }
    }
    return plan;
}

}  // namespace siding::relay

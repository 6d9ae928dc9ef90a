// Which domain is looked at when: a time for each, those of a start spread over a while so that
// many domains make no burst. Pure.
#pragma once

#include "base/clock.hpp"
#include "base/domain.hpp"

#include <chrono>
#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <vector>

namespace siding::cutover {

class DnsSchedule {
public:
    // Takes up domains that are new, each a little after the one before, and drops the others.
    void set_domains(
        const std::vector<Domain>& domains, WallTime now, std::chrono::milliseconds watch
    );

    // Those whose time has come, the most overdue first, at most so many; they are under way until
    // done(). One that is under way is not given a second time.
    std::vector<Domain> take_due(WallTime now, std::size_t domains_max);
    void done(const Domain& domain, WallTime next);
    // As soon as possible; right after a look that is under way.
    void hurry(const Domain& domain, WallTime now);

    std::optional<WallTime> at(const Domain& domain) const;
    // Of those that are not under way.
    std::optional<WallTime> first() const;
    bool is_busy(const Domain& domain) const;
    bool contains(const Domain& domain) const { return times_.contains(domain); }

private:
    struct Slot {
        WallTime at{};
        bool is_busy = false;
        bool is_urgent = false;  // hurried while it was under way
    };

    std::map<Domain, Slot> times_;
};

}  // namespace siding::cutover

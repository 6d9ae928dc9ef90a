// Which addresses the MX hosts have, and until when an address that a host has given up may still
// be used: when an MX name stays and the machine behind it changes. Pure.
#pragma once

#include "base/clock.hpp"
#include "dns/deadline.hpp"
#include "dns/history.hpp"

#include <optional>
#include <string>
#include <vector>

namespace siding::dns {

struct HostAddresses {
    std::string host{};
    std::vector<std::string> addresses{};  // that its servers give now, A before AAAA
    // That they have given and give no more, or only some of them. Of addresses that come and go
    // all the time (`rotates`) nothing is said.
    std::vector<std::string> gone{};
    bool rotates = false;
    std::optional<WallTime> changed_at{};  // seen at the first server
    std::optional<Deadline> old_until{};   // with `gone`

    bool operator==(const HostAddresses&) const = default;
};

// In the order of `hosts`; those of which nothing is known have no addresses.
std::vector<HostAddresses> addresses_of(
    const History& history,
    const std::vector<std::string>& hosts,
    WallTime now,
    const DeadlineOptions& options = {}
);

}  // namespace siding::dns

// What one server may be asked to bear: its profile's numbers with the configuration's in their
// place. Pure.
//
// A profile is what is known of a kind of server: what it admits at once, what it answers when that
// is too much, how long it wants to be left alone then.
#pragma once

#include "config/config.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace siding::relay {

struct LaneLimits {
    std::size_t connections = 10;        // never more at once
    std::size_t connections_start = 5;   // at first, until it has shown that it bears more
    std::size_t growth_deliveries = 50;  // in a row that allow one connection more

    // After back-pressure: doubled each time it comes again, up to the longest.
    std::chrono::milliseconds cool_down{1000};
    std::chrono::milliseconds cool_down_longest{60'000};
    // After "who are you?" answers (4.7.500, 4.7.28): they do not end by themselves in seconds.
    std::chrono::milliseconds reputation_cool_down{60'000};

    std::size_t messages_per_connection = 0;  // 0: any number, like all below
    std::size_t recipients_per_transaction = 0;
    std::size_t recipient_connections = 0;  // at once to one recipient
    bool one_domain = false;                // recipients of one transaction share their domain
    std::uint64_t rate = 0;                 // messages in a minute
    std::uint64_t domain_rate = 0;          // of one recipient domain
    std::uint64_t recipient_rate = 0;       // of one recipient

    bool operator==(const LaneLimits&) const = default;
};

LaneLimits profile_limits(config::Profile profile);

// The same with what the server's configuration says instead.
LaneLimits resolve_limits(const config::Server& server);

std::string_view profile_name(config::Profile profile);

}  // namespace siding::relay

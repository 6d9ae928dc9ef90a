// What a look at the authoritative servers adds to the history.
#pragma once

#include "dns/authority.hpp"
#include "dns/history.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace siding::dns {

// MX, SOA and NS of every server that was heard, and the delegation at the parent, whose server is
// called "delegation at " and the parent zone. Where there is no MX, its TTL is that of the
// absence. A server that answers otherwise over TCP, or has done so, counts as one more, "… over
// TCP".
inline constexpr std::string_view over_tcp = " over TCP";
std::vector<Served> served_in(const AuthorityView& view, const History& history);

// True if any of that is new.
bool note_all(History& history, const AuthorityView& view);

// The servers that are asked now and of which something is known, for DeadlineOptions::servers:
// those that were heard, and those that cannot be reached, or fail, but have been heard before. Not
// those that no longer serve the zone and say so: they are as good as out of the delegation.
std::vector<std::string> servers_in(const AuthorityView& view, const History& history);

}  // namespace siding::dns

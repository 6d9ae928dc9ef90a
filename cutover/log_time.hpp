// Times as mail logs write them. Pure.
#pragma once

#include "cutover/sender_log.hpp"

#include <optional>
#include <string_view>

namespace siding::cutover {

// "2026-11-21T14:07:30.123456+01:00", "…Z", "…+0100"; seconds and zone must be there.
std::optional<WallTime> parse_iso_time(std::string_view text);

// The time that a syslog line begins with, either "Nov 21 14:07:30 " or ISO and a space; it is
// taken off the line.
std::optional<WallTime> take_syslog_time(std::string_view& line, const LogTime& time);

// East of UTC, of this host at that time.
std::chrono::minutes local_offset(WallTime at);

}  // namespace siding::cutover

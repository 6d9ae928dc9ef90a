// Numbers, sizes and times as people read them in a table; never read back.
#pragma once

#include "base/clock.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace siding::cli {

std::string human_count(std::uint64_t number);  // "20,012"
std::string human_size(std::uint64_t octets);   // "512 B", "1.2 KiB", "34 MiB"

// One unit, rounded down: "0s", "42s", "7m", "3h", "2d".
std::string human_duration(std::chrono::milliseconds duration);

std::string human_age(std::optional<WallTime> time, WallTime now);   // "7m ago", "-" if unset
std::string human_wait(std::optional<WallTime> time, WallTime now);  // "in 7m", "now", "-"

// "2026-11-21 14:07:30Z"
std::string human_time(WallTime time);

// "1 message", "2 messages", "20,012 messages"
std::string counted(std::uint64_t number, std::string_view noun);

}  // namespace siding::cli

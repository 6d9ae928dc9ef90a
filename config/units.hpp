// Durations, sizes and percentages as people write them. A number always carries its unit, so that
// nobody has to guess whether 30 are seconds or minutes.
#pragma once

#include "base/result.hpp"
#include "config/backfill.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace siding::config {

// "500ms", "30s", "5m", "1h", "2d"
Result<std::chrono::milliseconds> parse_duration(std::string_view text);
std::string format_duration(std::chrono::milliseconds duration);

// "512B", "64KiB", "50MiB", "2GiB", "1TiB"; in octets
Result<std::uint64_t> parse_size(std::string_view text);
std::string format_size(std::uint64_t size_bytes);

// "5%"; from 0 to 100
Result<unsigned> parse_percent(std::string_view text);
std::string format_percent(unsigned percent);

// "99%", "0.1%", "99.95%"; in millionths, up to four digits behind the point
Result<std::uint64_t> parse_share(std::string_view text);
std::string format_share(std::uint64_t millionths);

// "08:00-18:30", "22:00-06:00", "20:00-24:00"; never empty
Result<DayTime> parse_day_time(std::string_view text);
std::string format_day_time(const DayTime& part);

// Digits only, no sign, no unit.
Result<std::uint64_t> parse_count(std::string_view text);

}  // namespace siding::config

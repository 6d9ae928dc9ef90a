// A part of the mail, by date and size: what an order is confined to. Pure.
#pragma once

#include "base/clock.hpp"
#include "base/result.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace siding::backfill {

struct CopyWindow {
    std::optional<WallTime> since;  // INTERNALDATE at or behind it
    std::optional<WallTime> before;
    std::optional<std::uint64_t> octets_max;

    bool is_everything() const { return !since && !before && !octets_max; }
    // Whether a message is in it. One whose date or size is not known is only where it does not
    // matter.
    bool has(const std::optional<WallTime>& date, const std::optional<std::uint64_t>& octets) const;

    bool operator==(const CopyWindow&) const = default;
};

// As an operator writes it, each of them perhaps empty.
struct WindowWords {
    std::string since;   // "2026-10-01" (midnight UTC), "2026-10-01T12:00:00Z", or an age: "30d"
    std::string before;  // likewise
    std::string octets_max;  // "10MiB"
};
// Errc::invalid_argument names what is wrong: also a window that nothing can be in.
Result<CopyWindow> parse_window(const WindowWords& words, WallTime now);
// "since 2026-10-01T00:00:00Z, at most 10MiB"; empty for everything.
std::string format_window(const CopyWindow& window);

}  // namespace siding::backfill

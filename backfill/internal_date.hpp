// INTERNALDATE (RFC 9051 §9 date-time): " 1-Feb-2024 10:00:00 +0100".
#pragma once

#include "base/clock.hpp"
#include "base/result.hpp"

#include <chrono>
#include <string>
#include <string_view>

namespace siding::backfill {

struct InternalDate {
    WallTime time{};               // whole seconds
    std::chrono::minutes zone{0};  // east of Greenwich

    bool operator==(const InternalDate&) const = default;
};

// Takes "1-Feb-2024" and "01-Feb-2024" too, and a missing zone as +0000. Errc::invalid_argument:
// no date, no such day, or before 1970 (servers that know no date say 30-Dec-1899 or 00-Jan-0000).
Result<InternalDate> parse_internal_date(std::string_view text);
// Years 1970 to 9999.
std::string format_internal_date(const InternalDate& date);

}  // namespace siding::backfill

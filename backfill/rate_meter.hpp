// How much has come in lately: octets and messages a second over the last half minute. Pure: time
// is an argument.
#pragma once

#include "base/clock.hpp"

#include <array>
#include <chrono>
#include <cstdint>

namespace siding::backfill {

class RateMeter {
public:
    static constexpr std::chrono::seconds span{30};

    struct Rate {
        double octets = 0;  // a second
        double messages = 0;
    };

    void add(std::uint64_t octets, std::uint64_t messages, WallTime now);
    // Since work began, where that is less than the span ago; not before a second has passed.
    Rate now(WallTime now) const;

private:
    struct Second {
        std::int64_t at = -1;
        std::uint64_t octets = 0;
        std::uint64_t messages = 0;
    };
    std::array<Second, span.count() + 1> seconds_{};
    WallTime began_{};  // of work without a gap as long as the span
    WallTime last_{};
};

}  // namespace siding::backfill

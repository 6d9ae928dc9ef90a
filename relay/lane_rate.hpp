// Counts what happened in the last minute, second by second. Pure.
#pragma once

#include "base/clock.hpp"

#include <array>
#include <cstdint>

namespace siding::relay {

class LaneRate {
public:
    void count(WallTime now) {
        Second& cell = cells_.at(static_cast<std::size_t>(second_of(now)) % cells_.size());
        if (cell.second != second_of(now)) {
            cell = {second_of(now), 0};
        }
        cell.count += 1;
    }

    std::uint64_t per_minute(WallTime now) const {
        const std::int64_t last = second_of(now);
        std::uint64_t sum = 0;
        for (const Second& cell : cells_) {
            if (cell.second <= last && cell.second > last - seconds) {
                sum += cell.count;
            }
        }
        return sum;
    }

private:
    static constexpr std::int64_t seconds = 60;
    struct Second {
        std::int64_t second = 0;
        std::uint64_t count = 0;
    };
    static std::int64_t second_of(WallTime now) {
        return std::chrono::floor<std::chrono::seconds>(now).time_since_epoch().count();
    }

    std::array<Second, seconds> cells_{};
};

}  // namespace siding::relay

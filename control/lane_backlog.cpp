#include "control/lane_backlog.hpp"

#include "base/limits.hpp"

#include <algorithm>

namespace siding::control {
namespace {

constexpr WallTime end_of_time = WallTime::max() - std::chrono::hours{24};

}  // namespace

Result<std::map<std::string, LaneBacklog>> read_backlogs(
    const queue::Store& store, std::uint64_t due
) {
    std::map<std::string, LaneBacklog> out;
    SIDING_ASSIGN(const auto lanes, store.lanes());
    std::uint64_t counted = 0;
    for (const std::string& lane : lanes) {
        LaneBacklog& backlog = out[lane];
        SIDING_ASSIGN(backlog.first_due_at, store.first_due_at(lane));
        if (lanes.size() == 1) {
            backlog.due = due;
            return out;
        }
        SIDING_ASSIGN(
            const auto page, store.due(lane, end_of_time, {}, limits::list_page_rows_max)
        );
        backlog.due = page.rows.size();
        backlog.exact = page.cursor.empty();
        counted += backlog.due;
    }
    const auto is_long = [](const auto& entry) { return !entry.second.exact; };
    if (std::ranges::count_if(out, is_long) == 1) {
        LaneBacklog& longest = std::ranges::find_if(out, is_long)->second;
        longest.due += due > counted ? due - counted : 0;
        longest.exact = true;
    }
    return out;
}

}  // namespace siding::control

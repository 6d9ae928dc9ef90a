#include "control/release_document.hpp"

#include "control/filter_params.hpp"
#include "control/json.hpp"
#include "control/render.hpp"

#include <cmath>

namespace siding::control {

namespace json = boost::json;

json::object release_json(const relay::ReleaseReport& report) {
    const queue::ReleaseJob& job = report.job;
    return {
        {"id", job.id},
        {"server", json_text(job.server)},
        {"pinned", job.pinned},
        {"filter", filter_json(job.filter)},
        {"who", json_text(job.who)},
        {"ordered_at", json_time(job.ordered_at)},
        {"of_phase", job.of_phase},
        {"state", queue::format_release_state(job.state)},
        {"why", json_text(job.why)},
        {"changed_at", json_time(job.changed_at)},
        {"order", queue::format_release_order(job.order)},
        {"first", job.first.size()},
        {"canary", job.canary},
        {"rate_per_minute", job.rate_per_minute},
        {"pause_percent", job.pause_percent},
        {"total", job.total},
        {"total_octets", job.total_octets},
        {"complete", job.state == queue::ReleaseState::complete},
        {"chosen", job.chosen},
        {"left", report.left},
        {"counts", counts_json(report.counts)},
        {"per_minute", std::llround(report.ended_per_minute)},
        {"seconds_left",
         report.time_left ? json::value(report.time_left->count()) : json::value(nullptr)},
        {"done", report.is_done()},
    };
}

}  // namespace siding::control

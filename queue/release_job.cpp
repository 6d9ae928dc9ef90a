#include "queue/release_job.hpp"

#include "base/bytes.hpp"

#include <fmt/format.h>

namespace siding::queue {

std::string_view format_release_state(ReleaseState state) {
    switch (state) {
    case ReleaseState::running:
        return "running";
    case ReleaseState::canary:
        return "canary";
    case ReleaseState::paused:
        return "paused";
    case ReleaseState::complete:
        return "complete";
    case ReleaseState::cancelled:
        return "cancelled";
    }
    return "unknown";
}

std::string_view format_release_order(ReleaseOrder order) {
    switch (order) {
    case ReleaseOrder::oldest:
        return "oldest";
    case ReleaseOrder::small_first:
        return "small_first";
    }
    return "unknown";
}

Result<ReleaseOrder> parse_release_order(std::string_view text) {
    for (const ReleaseOrder order : {ReleaseOrder::oldest, ReleaseOrder::small_first}) {
        if (format_release_order(order) == text) {
            return order;
        }
    }
    return Error{
        Errc::invalid_argument,
        fmt::format("'{}' is not an order; the orders are oldest, small_first", escape(text))};
}

}  // namespace siding::queue

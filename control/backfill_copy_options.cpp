#include "control/backfill_copy_options.hpp"

#include "backfill/limits.hpp"
#include "config/units.hpp"

#include <fmt/format.h>
#include <utility>

namespace siding::control {

Result<void> read_copy_options(
    const Body& body, backfill::Order order, WallTime now, backfill::OrderOptions& options
) {
    for (const char* key : {"since", "before", "max_size", "back", "final", "quiet"}) {
        if (body.has(key) && order != backfill::Order::copy) {
            return Error{
                Errc::invalid_argument, fmt::format("'{}' goes with the order copy alone", key)};
        }
    }
    backfill::WindowWords words;
    SIDING_ASSIGN(words.since, body.text("since"));
    SIDING_ASSIGN(words.before, body.text("before"));
    SIDING_ASSIGN(words.octets_max, body.text("max_size"));
    SIDING_ASSIGN(options.window, backfill::parse_window(words, now));
    if (body.has("back")) {
        SIDING_ASSIGN(options.is_back, body.flag("back"));
    }
    if (options.is_back && !options.window.since) {
        return Error{
            Errc::invalid_argument,
            "the way back needs 'since': the time of the switch, or a little before it"};
    }
    if (body.has("final")) {
        SIDING_ASSIGN(options.is_final, body.flag("final"));
    }
    if (options.is_final && !options.window.is_everything()) {
        return Error{Errc::invalid_argument, "a final pass is for everything: it has no window"};
    }
    SIDING_ASSIGN(const std::string quiet, body.text("quiet"));
    if (!quiet.empty()) {
        auto time = config::parse_duration(quiet);
        if (!time) {
            return with_context(std::move(time).error(), "'quiet'");
        }
        if (*time > limits::final_quiet_max) {
            return Error{Errc::invalid_argument, "'quiet' is at most 24h"};
        }
        options.quiet = *time;
    }
    return {};
}

}  // namespace siding::control

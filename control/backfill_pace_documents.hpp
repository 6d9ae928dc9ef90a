// How fast the backfill is and what holds it back, as JSON and as metrics: rates, forecasts, the
// limits of servers, budgets, waits.
#pragma once

#include "backfill/backfill.hpp"
#include "base/metrics.hpp"

#include <boost/json/object.hpp>

#include <vector>

namespace siding::control {

// Adds to an account's document.
void add_pace(
    boost::json::object& document,
    const backfill::Backfill& backfill,
    const backfill::AccountStatus& status
);
// Adds to the document of all.
void add_pace(
    boost::json::object& document,
    const backfill::Backfill& backfill,
    const std::vector<backfill::AccountStatus>& accounts
);

// Docs: operator's guide, "Metrics of the backfill".
void set_pace_metrics(
    Metrics& metrics,
    const backfill::Backfill& backfill,
    const std::vector<backfill::AccountStatus>& accounts
);

}  // namespace siding::control

// What an order to copy may say: a window, that it is the way back, or that it is to be the last
// one.
#pragma once

#include "backfill/backfill.hpp"
#include "base/clock.hpp"
#include "control/json.hpp"

namespace siding::control {

// Fills in what `body` has under since, before, max_size, back, final and quiet.
// Errc::invalid_argument: what is wrong, also where the order is another one.
Result<void> read_copy_options(
    const Body& body, backfill::Order order, WallTime now, backfill::OrderOptions& options
);

}  // namespace siding::control

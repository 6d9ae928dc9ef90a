// Waiting for an order to siding-backfilld, with bars while somebody watches.
#pragma once

#include "cli/actions_backfill.hpp"
#include "cli/commands.hpp"

namespace siding::cli {

// Until every account of the order is done; Exit::no where one did not end well.
Result<Exit> wait_for_backfill(const OrderBackfill& action, Context& context);

}  // namespace siding::cli

// One row of an accounts file to one account.
#pragma once

#include "backfill/accounts_cells.hpp"

#include <optional>

namespace siding::backfill {

// Nothing where there are problems, which are then in `cells`.
std::optional<Account> read_account(RowCells& cells, const config::Backfill& defaults);

}  // namespace siding::backfill

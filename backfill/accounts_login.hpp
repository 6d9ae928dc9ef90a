// How to log in to one side, from the cells of a row and from the configuration.
#pragma once

#include "backfill/account.hpp"
#include "backfill/accounts_cells.hpp"

namespace siding::backfill {

// Who logs in is left open where the row does not say it; see read_account().
Login read_login(RowCells& cells, Side side, const config::ImapServer& server);

// What only the whole shows.
void check_login(RowCells& cells, Side side, const Login& login);

}  // namespace siding::backfill

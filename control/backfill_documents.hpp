// What the backfill's control API answers with, as JSON. The shapes are in docs/control-api.md.
#pragma once

#include "backfill/account_status.hpp"
#include "backfill/backfill.hpp"
#include "backfill/folder_plan.hpp"
#include "backfill/ledger.hpp"
#include "base/result.hpp"

#include <boost/json/object.hpp>

#include <cstddef>
#include <string>

namespace siding::control {

boost::json::object render_account(const backfill::AccountStatus& status);
boost::json::object render_backfill(const backfill::Backfill& backfill);
boost::json::object render_plan(const backfill::FolderPlan& plan);

// What the ledger knows of an account: each mailbox with its totals, and every message that is not
// where it should be, with folder, UID, date and reason; at most `exceptions_max` of them. Blocks.
Result<boost::json::object> make_report(
    backfill::Ledger& ledger, const std::string& account, std::size_t exceptions_max
);

}  // namespace siding::control

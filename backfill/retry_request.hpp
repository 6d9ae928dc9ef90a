// An order to try messages again that were refused or could not be read.
#pragma once

#include "backfill/imap_set.hpp"
#include "backfill/repair.hpp"

#include <string>

namespace siding::backfill {

struct RetryRequest {
    std::string mailbox;  // as the source calls it; empty: all
    ImapSet uids;         // of that mailbox at the source; empty: all
    RetryRepair repair;

    bool operator==(const RetryRequest&) const = default;
};

}  // namespace siding::backfill

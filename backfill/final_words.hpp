// Why a final pass was not final, in words. Pure.
#pragma once

#include "backfill/mailbox_pass.hpp"
#include "base/clock.hpp"

#include <map>
#include <string>

namespace siding::backfill {

// "the source still grows: 3 new messages in INBOX since 2026-11-22T17:02:00Z; …"
std::string words_of_changes(const std::map<std::string, PassCounts>& found, WallTime since);

}  // namespace siding::backfill

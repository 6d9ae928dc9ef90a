// What an operator sees of one account: where it is and what has happened. Plain values.
#pragma once

#include "backfill/mailbox_pass.hpp"
#include "base/clock.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace siding::backfill {

enum class AccountPhase {
    idle,     // nothing is ordered; `words` may say why the last pass did not end well
    waiting,  // its turn will come
    copying,
    verifying,
    checking,
    archiving,
    restoring,
    failed,  // the last order ended with an error; nothing tries it again by itself
};

std::string_view to_text(AccountPhase phase);  // "copying"

struct AccountStatus {
    std::string name;
    AccountPhase phase = AccountPhase::idle;
    std::string words;       // of a failure: what, and what to do
    std::uint32_t pass = 0;  // the last one that was begun
    std::string mailbox;     // at the source, that is being copied
    std::size_t mailboxes = 0;
    std::size_t mailboxes_done = 0;
    PassCounts counts;                  // of this pass
    std::uint64_t source_messages = 0;  // of all mailboxes of the plan, as the source counts
    std::uint64_t source_octets = 0;
    std::uint64_t known_messages = 0;  // of them in the ledger as copied, at the end of a pass
    std::map<std::string, std::uint64_t> verdicts;  // of the last verification
    WallTime started_at{};
    WallTime ended_at{};
    bool is_clean = false;  // the last pass ended and nothing was refused or unreadable
};

}  // namespace siding::backfill

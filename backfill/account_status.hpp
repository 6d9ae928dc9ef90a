// What an operator sees of one account: where it is and what has happened. Plain values.
#pragma once

#include "backfill/assessment.hpp"
#include "backfill/canary.hpp"
#include "backfill/hold.hpp"
#include "backfill/mailbox_pass.hpp"
#include "backfill/rate_meter.hpp"
#include "backfill/verification.hpp"
#include "base/clock.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace siding::backfill {

// In the ledger: when a final pass has come to its end.
inline constexpr std::string_view final_key = "final_at";

enum class AccountPhase {
    idle,     // nothing is ordered; `words` may say why the last pass did not end well
    waiting,  // its turn will come
    copying,
    verifying,
    checking,
    archiving,
    restoring,
    assessing,
    failed,  // the last order ended with an error; nothing tries it again by itself
};

std::string_view to_text(AccountPhase phase);  // "copying"

struct AccountStatus {
    std::string name;
    AccountPhase phase = AccountPhase::idle;
    std::string words;         // of a failure: what, and what to do
    std::optional<Hold> hold;  // what it waits for now, waiting or at work
    std::uint32_t pass = 0;    // the last one that was begun
    std::string mailbox;       // at the source, that is being copied
    std::size_t mailboxes = 0;
    std::size_t mailboxes_done = 0;
    PassCounts counts;                  // of this pass
    RateMeter::Rate rate;               // at which messages come in now
    std::uint64_t octets_left = 0;      // of this pass, about
    std::uint64_t source_messages = 0;  // of all mailboxes of the plan, as the source counts
    std::uint64_t source_octets = 0;
    std::uint64_t known_messages = 0;    // of them in the ledger as copied, at the end of a pass
    std::uint64_t known_refused = 0;     // and what the ledger has as refused,
    std::uint64_t known_unreadable = 0;  // or unreadable; `retry` tries these again
    std::map<std::string, std::uint64_t> verdicts;     // of the last verification
    std::shared_ptr<const Verification> verification;  // the last whole one, of this process
    std::shared_ptr<const CanaryOutcome> canary;       // of the last check, if it had one
    std::shared_ptr<const Assessment> assessment;
    WallTime started_at{};
    WallTime ended_at{};
    std::string window;     // of the last pass, where it was not for everything
    WallTime final_at{};    // of a final pass that came to its end, and nothing was new since
    std::string watch;      // how the source is watched: "notify", "idle", or not: ""
    bool can_idle = false;  // the source, as a pass has seen it
    bool is_clean = false;  // the last pass ended and nothing was refused or unreadable
};

}  // namespace siding::backfill

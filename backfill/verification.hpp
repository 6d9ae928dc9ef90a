// What a whole verification of an account has found. Kept in the ledger, as text; plain values.
#pragma once

#include "backfill/ledger.hpp"
#include "base/clock.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace siding::backfill {

// Of a row that a sampled verification has not looked at.
inline constexpr std::string_view not_sampled = "not sampled";

// Whether a verdict means that the message is where it should be, as far as was looked.
bool is_good_verdict(std::string_view verdict);

// A message of the destination that is not ours: new mail, or what was there before.
struct Extra {
    std::string mailbox;  // at the destination
    std::uint64_t uid = 0;
    std::string date;
    std::string subject;  // escaped

    bool operator==(const Extra&) const = default;
};

struct Verification {
    WallTime began_at{};
    WallTime ended_at{};
    std::uint32_t pass = 0;  // the last one that was begun before it
    std::map<std::string, std::uint64_t> verdicts;

    std::string sample;  // "5%"; empty: every message
    std::uint64_t seed = 0;
    std::uint64_t messages = 0;   // that are there, as their UIDs say
    std::uint64_t looked_at = 0;  // of them, by choice
    std::uint64_t wrong = 0;      // of these
    std::uint64_t effective = 0;  // effective_sample()
    std::uint64_t suspects = 0;   // looked at besides: of another size, or wrong before
    std::uint64_t suspects_wrong = 0;
    std::uint64_t suspects_left = 0;  // not looked at

    std::map<std::string, std::uint64_t> extra;  // by mailbox of the destination
    std::vector<Extra> extras;                   // the newest, extras_listed_max at most

    bool is_sampled() const { return !sample.empty(); }
    std::uint64_t extra_count() const;
    // "0 wrong of 600 sampled of 12000: fewer than 0.50 % wrong with 95 % confidence"; empty where
    // every message was looked at.
    std::string statement() const;

    bool operator==(const Verification&) const = default;
};

std::string format_verification(const Verification& verification);
Result<Verification> parse_verification(std::string_view text);

// Blocks.
Result<void> keep_verification(Ledger& ledger, AccountId account, const Verification& made);
// Nothing: there was none.
Result<std::optional<Verification>> last_verification(const Ledger& ledger, AccountId account);

}  // namespace siding::backfill

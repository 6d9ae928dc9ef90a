// How many octets of messages a day may bring from the source and to the destination, of each
// account and of all together, and how many it has. The day begins at midnight, UTC. The counts are
// in the ledger, so that a restart does not forget them. Thread-safe.
#pragma once

#include "backfill/ledger.hpp"
#include "backfill/side.hpp"
#include "base/clock.hpp"

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

namespace siding::backfill {

// Octets of one day; the count begins anew with the next. Plain value.
struct DayCount {
    std::chrono::sys_days day{};
    std::uint64_t octets = 0;

    void add(std::uint64_t more, WallTime now);
    std::uint64_t on(WallTime now) const;
    bool operator==(const DayCount&) const = default;
};

std::string format_day_count(const DayCount& count);  // "2026-11-22 12345"
Result<DayCount> parse_day_count(std::string_view text);

class Budget {
public:
    struct Bounds {  // 0: none
        std::uint64_t daily = 0;
        std::uint64_t daily_account = 0;
    };
    // All of it outlives the budget. `bounds` is asked each time, for source and destination.
    Budget(Ledger& ledger, const Clock& clock, std::function<Bounds(Side)> bounds);

    // What the ledger has of today, of an account and of all; blocks. Once each is enough.
    Result<void> load(const std::string& account);
    void spend(Side side, const std::string& account, std::uint64_t octets);
    // Puts what has changed into the ledger; blocks. Nothing where there are no bounds.
    Result<void> store(const std::string& account);

    // Which bound is reached, if any: "daily budget of 2.5 GB from the source is used up; goes on
    // at 00:00 UTC".
    struct Reached {
        WallTime until{};
        std::string words;
    };
    // `pending`: octets that are as good as spent.
    std::optional<Reached> reached(Side side, const std::string& account, std::uint64_t pending = 0)
        const;

    struct Used {
        Bounds bounds;
        std::uint64_t all = 0;
        std::uint64_t account = 0;
    };
    Used used(Side side, const std::string& account = {}) const;

    static WallTime next_day(WallTime now);

private:
    struct Count {
        DayCount count;
        DayCount stored;
    };
    struct Counts {
        std::array<Count, 2> sides;
        bool is_loaded = false;
    };

    static std::size_t index(Side side) { return side == Side::source ? 0 : 1; }
    bool has_bounds() const;
    Result<AccountId> id_of(const std::string& account);
    Result<void> store_one(AccountId id, const std::string& account);

    Ledger& ledger_;
    const Clock& clock_;
    std::function<Bounds(Side)> bounds_;
    std::mutex storing_;  // held while the ledger is written; before mutex_
    mutable std::mutex mutex_;
    std::map<std::string, Counts> counts_;  // "" is of all
};

}  // namespace siding::backfill

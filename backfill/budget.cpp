#include "backfill/budget.hpp"

#include "base/bytes.hpp"
#include "config/units.hpp"

#include <charconv>
#include <fmt/format.h>
#include <utility>

namespace siding::backfill {
namespace {

using namespace std::chrono_literals;

std::string key_of(Side side) {
    return fmt::format("spent.{}", to_text(side));
}

std::string size_words(std::uint64_t octets) {
    constexpr double mega = 1e6;
    const double megabytes = static_cast<double>(octets) / mega;
    return megabytes >= 1000 ? fmt::format("{:.1f} GB", megabytes / 1000)
           : megabytes >= 1  ? fmt::format("{:.1f} MB", megabytes)
                             : fmt::format("{:.1f} kB", megabytes * 1000);
}

}  // namespace

void DayCount::add(std::uint64_t more, WallTime now) {
    const auto today = std::chrono::floor<std::chrono::days>(now);
    if (today > day) {
        day = today;
        octets = 0;
    }
    octets += more;
}

std::uint64_t DayCount::on(WallTime now) const {
    return std::chrono::floor<std::chrono::days>(now) <= day ? octets : 0;
}

std::string format_day_count(const DayCount& count) {
    const std::string time = format_time(WallTime{count.day});
    return fmt::format("{} {}", time.substr(0, 10), count.octets);
}

Result<DayCount> parse_day_count(std::string_view text) {
    const Error wrong{Errc::corrupt, "no count of a day: " + escape(text)};
    const std::size_t space = text.find(' ');
    if (space == std::string_view::npos) {
        return wrong;
    }
    const auto day = parse_time(std::string{text.substr(0, space)} + "T00:00:00Z");
    DayCount count;
    const std::string_view number = text.substr(space + 1);
    const auto [end, error] =
        std::from_chars(number.data(), number.data() + number.size(), count.octets);
    if (!day || error != std::errc{} || end != number.data() + number.size()) {
        return wrong;
    }
    count.day = std::chrono::floor<std::chrono::days>(*day);
    return count;
}

Budget::Budget(Ledger& ledger, const Clock& clock, std::function<Bounds(Side)> bounds)
    : ledger_{ledger}, clock_{clock}, bounds_{std::move(bounds)} {}

WallTime Budget::next_day(WallTime now) {
    return WallTime{std::chrono::floor<std::chrono::days>(now) + std::chrono::days{1}};
}

bool Budget::has_bounds() const {
    for (const Side side : {Side::source, Side::destination}) {
        const Bounds bounds = bounds_(side);
        if (bounds.daily > 0 || bounds.daily_account > 0) {
            return true;
        }
    }
    return false;
}

Result<AccountId> Budget::id_of(const std::string& account) {
    if (account.empty()) {
        return everybody;
    }
    SIDING_ASSIGN(const AccountRecord record, ledger_.account(account));
    return record.id;
}

Result<void> Budget::load(const std::string& account) {
    if (!has_bounds()) {
        return {};
    }
    for (const std::string& name : {std::string{}, account}) {
        {
            const std::lock_guard lock{mutex_};
            if (counts_[name].is_loaded) {
                continue;
            }
        }
        SIDING_ASSIGN(const AccountId id, id_of(name));
        std::array<DayCount, 2> stored;
        for (const Side side : {Side::source, Side::destination}) {
            SIDING_ASSIGN(const auto text, ledger_.value(id, key_of(side)));
            if (text) {
                SIDING_ASSIGN(stored[index(side)], parse_day_count(*text));
            }
        }
        const std::lock_guard lock{mutex_};
        Counts& counts = counts_[name];
        if (!std::exchange(counts.is_loaded, true)) {
            const WallTime now = clock_.now();
            for (std::size_t at = 0; at < stored.size(); ++at) {
                Count& count = counts.sides[at];
                count.stored = stored[at];
                count.count.add(stored[at].on(now), now);
            }
        }
    }
    return {};
}

void Budget::spend(Side side, const std::string& account, std::uint64_t octets) {
    const std::lock_guard lock{mutex_};
    const WallTime now = clock_.now();
    counts_[account].sides[index(side)].count.add(octets, now);
    counts_[""].sides[index(side)].count.add(octets, now);
}

Result<void> Budget::store(const std::string& account) {
    if (!has_bounds()) {
        return {};
    }
    for (const std::string& name : {std::string{}, account}) {
        SIDING_ASSIGN(const AccountId id, id_of(name));
        SIDING_TRY(store_one(id, name));
    }
    return {};
}

// One after the other: an older count must not be written behind a newer one.
Result<void> Budget::store_one(AccountId id, const std::string& account) {
    const std::lock_guard storing{storing_};
    for (const Side side : {Side::source, Side::destination}) {
        DayCount now;
        {
            const std::lock_guard lock{mutex_};
            Count& count = counts_[account].sides[index(side)];
            if (count.count == count.stored) {
                continue;
            }
            now = count.count;
            count.stored = now;
        }
        SIDING_TRY(ledger_.put_value(id, key_of(side), format_day_count(now)));
    }
    return {};
}

std::optional<Budget::Reached> Budget::reached(
    Side side, const std::string& account, std::uint64_t pending
) const {
    const WallTime now = clock_.now();
    const Used today = used(side, account);
    const auto words = [&](std::uint64_t bound, std::string_view whose) {
        return Reached{
            next_day(now),
            fmt::format(
                "daily budget of {} {} the {}{} is used up; goes on at 00:00 UTC",
                size_words(bound),
                side == Side::source ? "from" : "to",
                to_text(side),
                whose
            )};
    };
    if (today.bounds.daily_account > 0 && today.account + pending >= today.bounds.daily_account) {
        return words(today.bounds.daily_account, "");
    }
    if (today.bounds.daily > 0 && today.all + pending >= today.bounds.daily) {
        return words(today.bounds.daily, ", of all accounts,");
    }
    return std::nullopt;
}

Budget::Used Budget::used(Side side, const std::string& account) const {
    const WallTime now = clock_.now();
    Used today;
    today.bounds = bounds_(side);
    const std::lock_guard lock{mutex_};
    const auto count_of = [&](const std::string& name) {
        const auto found = counts_.find(name);
        return found == counts_.end() ? 0 : found->second.sides[index(side)].count.on(now);
    };
    today.all = count_of("");
    today.account = account.empty() ? 0 : count_of(account);
    return today;
}

}  // namespace siding::backfill

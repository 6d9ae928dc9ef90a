// Backfill: how far it is, how fast, and when it will be done.
#include "backfill/backfill.hpp"

#include <algorithm>

namespace siding::backfill {
namespace {

constexpr std::uint64_t usual_message = 75'000;  // octets, where nothing is known

std::uint64_t less(std::uint64_t bound, std::uint64_t used) {
    return bound - std::min(bound, used);
}

// By the account's own mean size, as its source tells it or as its messages were.
std::uint64_t octets_left_of(const AccountStatus& status) {
    const PassCounts& counts = status.counts;
    const std::uint64_t done = counts.copied + counts.refused + counts.unreadable;
    // Of a first pass it is known before the mailboxes are looked at one by one.
    const bool is_for_all =
        status.pass == 1 && status.window.empty() &&
        (status.phase == AccountPhase::copying || status.phase == AccountPhase::waiting);
    const std::uint64_t all =
        std::max(counts.to_copy, is_for_all ? status.source_messages : std::uint64_t{0});
    if (all <= done) {
        return 0;
    }
    std::uint64_t mean = usual_message;
    if (status.source_octets > 0 && status.source_messages > 0) {
        mean = status.source_octets / status.source_messages;
    } else if (counts.copied > 0 && counts.octets > 0) {
        mean = counts.octets / counts.copied;
    }
    return (all - done) * mean;
}

bool is_under_way(const AccountStatus& status) {
    return status.phase == AccountPhase::copying || status.phase == AccountPhase::archiving ||
           status.phase == AccountPhase::restoring || status.phase == AccountPhase::waiting;
}

}  // namespace

std::vector<AccountStatus> Backfill::status() const {
    const std::lock_guard lock{mutex_};
    std::vector<AccountStatus> all;
    for (const std::string& name : names_) {
        all.push_back(status_of(entries_.at(name)));
    }
    return all;
}

// The mutex is held.
AccountStatus Backfill::status_of(const Entry& entry) const {
    AccountStatus status = entry.status;
    status.watch = watches_.kind(status.name);
    status.rate = entry.meter.now(parts_.clock.now());
    status.octets_left = is_under_way(status) ? octets_left_of(status) : 0;
    if (entry.is_busy && !status.hold) {
        const std::vector<Place> places = places_of(entry.account, Order::copy);
        if (auto rest = governor_.rest(places)) {
            status.hold = Hold{rest->until, std::move(rest->words)};
        }
    }
    return status;
}

Allowance Backfill::allowance(const std::string& account) const {
    Allowance allowance;
    for (const Side side : {Side::source, Side::destination}) {
        const Budget::Used used = budget_.used(side, account);
        const std::uint64_t bound = account.empty() ? used.bounds.daily : used.bounds.daily_account;
        const std::uint64_t spent = account.empty() ? used.all : used.account;
        if (bound > 0) {
            allowance = tighter(allowance, Allowance{less(bound, spent), bound});
        }
    }
    return allowance;
}

ForecastNeeds Backfill::forecast_needs() const {
    const auto config = parts_.config.get();
    ForecastNeeds needs;
    needs.now = parts_.clock.now();
    needs.bandwidth = config->backfill.bandwidth;
    needs.quiet_hours = config->backfill.quiet_hours;
    needs.all = allowance({});
    return needs;
}

AssessTerms Backfill::assess_terms() const {
    const auto config = parts_.config.get();
    const config::Backfill& settings = config->backfill;
    const auto lesser = [](std::uint64_t a, std::uint64_t b) {
        return a == 0 || b == 0 ? a + b : std::min(a, b);
    };
    AssessTerms terms;
    terms.accounts_at_once = accounts_at_once();
    terms.bandwidth = settings.bandwidth;
    terms.daily = lesser(settings.source.daily, settings.destination.daily);
    terms.daily_account = lesser(settings.source.daily_account, settings.destination.daily_account);
    const std::lock_guard lock{mutex_};
    terms.rate = copy_rate(measured_.messages, measured_.octets, measured_.spent);
    return terms;
}

Backfill::Outlook Backfill::outlook(const std::vector<AccountStatus>& accounts) const {
    Outlook outlook;
    ForecastNeeds needs = forecast_needs();
    for (const AccountStatus& status : accounts) {
        if (status.octets_left > 0) {
            needs.accounts.push_back({status.octets_left, allowance(status.name)});
        }
        outlook.unknown +=
            status.phase == AccountPhase::waiting && status.source_messages == 0 ? 1 : 0;
    }
    {
        const std::lock_guard lock{mutex_};
        outlook.rate = meter_.now(needs.now);
        needs.octets_per_second = outlook.rate.octets > 0 ? outlook.rate.octets : last_rate_;
    }
    outlook.forecast = make_forecast(needs);
    return outlook;
}

Forecast Backfill::forecast(const AccountStatus& status) const {
    ForecastNeeds needs = forecast_needs();
    {
        const std::lock_guard lock{mutex_};
        const auto entry = entries_.find(status.name);
        needs.octets_per_second = status.rate.octets;
        if (needs.octets_per_second <= 0 && entry != entries_.end()) {
            needs.octets_per_second = entry->second.last_rate;
        }
    }
    needs.accounts.push_back({status.octets_left, allowance(status.name)});
    return make_forecast(needs);
}

}  // namespace siding::backfill

#include "backfill/forecast.hpp"

#include <algorithm>
#include <cmath>

namespace siding::backfill {
namespace {

constexpr std::size_t days_max = 366;

// Parts of a day in which something may be copied.
struct Span {
    WallTime from{};
    WallTime to{};
    double seconds() const { return std::chrono::duration<double>(to - from).count(); }
};

std::vector<Span> working_spans(const ForecastNeeds& needs, WallTime from, WallTime to) {
    std::vector<Span> spans;
    for (WallTime at = from; at < to;) {
        if (const auto end = quiet_until(needs.quiet_hours, at, needs.minute_of_day)) {
            at = *end;
            continue;
        }
        const auto begin = quiet_from(needs.quiet_hours, at, needs.minute_of_day);
        const WallTime end = std::min(to, begin.value_or(to));
        spans.push_back({at, end});
        at = end;
    }
    return spans;
}

// 0: nothing bounds it but budgets.
double rate_of(const ForecastNeeds& needs) {
    const auto bandwidth = static_cast<double>(needs.bandwidth);
    if (needs.octets_per_second <= 0 || bandwidth <= 0) {
        return std::max(needs.octets_per_second, bandwidth);
    }
    return std::min(needs.octets_per_second, bandwidth);
}

std::uint64_t capacity_of(const std::vector<Span>& spans, double rate) {
    double seconds = 0;
    for (const Span& span : spans) {
        seconds += span.seconds();
    }
    if (rate <= 0) {
        return seconds > 0 ? unbounded : 0;
    }
    return static_cast<std::uint64_t>(std::ceil(rate * seconds));
}

// When so many octets have come.
WallTime time_of(const std::vector<Span>& spans, double rate, std::uint64_t octets) {
    double seconds = rate > 0 ? static_cast<double>(octets) / rate : 0;
    for (const Span& span : spans) {
        if (seconds <= span.seconds()) {
            const std::chrono::duration<double> part{seconds};
            return span.from + std::chrono::duration_cast<std::chrono::milliseconds>(part);
        }
        seconds -= span.seconds();
    }
    return spans.empty() ? WallTime{} : spans.back().to;
}

// Takes one day's share from each account; what they get together.
std::uint64_t take_day(
    std::vector<ForecastNeeds::Account>& accounts, bool is_today, std::uint64_t most
) {
    const auto may = [is_today](const ForecastNeeds::Account& account) {
        return std::min(
            account.octets_left, is_today ? account.allowance.today : account.allowance.each_day
        );
    };
    std::uint64_t wanted = 0;
    for (const auto& account : accounts) {
        wanted += may(account);
    }
    const std::uint64_t taken = std::min(wanted, most);
    std::uint64_t rest = taken;
    for (auto& account : accounts) {
        const double share =
            wanted == 0 ? 0 : static_cast<double>(may(account)) / static_cast<double>(wanted);
        const auto part = std::min(
            {rest,
             may(account),
             static_cast<std::uint64_t>(std::ceil(share * static_cast<double>(taken)))}
        );
        account.octets_left -= part;
        rest -= part;
    }
    return taken - rest;
}

bool has_bound(const ForecastNeeds& needs) {
    const bool is_budgeted = std::ranges::any_of(needs.accounts, [](const auto& account) {
        return account.octets_left > 0 && account.allowance.each_day != unbounded;
    });
    return rate_of(needs) > 0 || needs.all.each_day != unbounded || is_budgeted;
}

}  // namespace

Allowance tighter(const Allowance& left, const Allowance& right) {
    return {std::min(left.today, right.today), std::min(left.each_day, right.each_day)};
}

Forecast make_forecast(const ForecastNeeds& needs) {
    Forecast forecast;
    for (const auto& account : needs.accounts) {
        forecast.octets_left += account.octets_left;
    }
    if (forecast.octets_left == 0) {
        forecast.done_at = needs.now;
        return forecast;
    }
    if (!has_bound(needs)) {
        return forecast;
    }
    const double rate = rate_of(needs);
    std::vector<ForecastNeeds::Account> accounts = needs.accounts;
    std::uint64_t left = forecast.octets_left;
    WallTime from = needs.now;
    for (std::size_t number = 0; number < days_max && left > 0; ++number) {
        const auto day = std::chrono::floor<std::chrono::days>(from);
        const WallTime to{day + std::chrono::days{1}};
        const std::vector<Span> spans = working_spans(needs, from, to);
        const bool is_today = number == 0;
        const std::uint64_t most =
            std::min(capacity_of(spans, rate), is_today ? needs.all.today : needs.all.each_day);
        const std::uint64_t taken = take_day(accounts, is_today, most);
        if (taken > 0) {
            forecast.days.push_back({day, taken});
        }
        left -= taken;
        if (left == 0) {
            forecast.done_at = time_of(spans, rate, taken);
        }
        from = to;
    }
    return forecast;
}

}  // namespace siding::backfill

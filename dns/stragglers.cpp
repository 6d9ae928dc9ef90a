#include "dns/stragglers.hpp"

#include "base/network.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <span>

namespace siding::dns {
namespace {

using std::chrono::hours;

constexpr double normal_quantile = 1.96;
constexpr double rule_of_three = 3.0;
constexpr auto quiet_horizon = hours{24 * 365};

// What must not exceed q·N.
double numerator(std::uint64_t stragglers) {
    if (stragglers == 0) {
        return rule_of_three;
    }
    const auto k = static_cast<double>(stragglers);
    return k + normal_quantile * std::sqrt(k + 1) + 2;
}

double part_of_hour(std::chrono::milliseconds span) {
    return std::chrono::duration<double, std::ratio<3600>>(span).count();
}

}  // namespace

double HourProfile::per_week() const {
    return std::accumulate(per_hour.begin(), per_hour.end(), 0.0);
}

std::size_t hour_of_week(WallTime time) {
    constexpr std::int64_t week = HourProfile::hours;
    constexpr std::int64_t thursday = 3 * 24;  // 1970-01-01
    const auto count = std::chrono::floor<hours>(time).time_since_epoch().count();
    return static_cast<std::size_t>(((count + thursday) % week + week) % week);
}

double expected_messages(const HourProfile& profile, WallTime from, WallTime to) {
    if (to <= from) {
        return 0;
    }
    const auto weeks = (to - from) / hours{HourProfile::hours};
    double sum = static_cast<double>(weeks) * profile.per_week();
    for (WallTime at = from + weeks * hours{HourProfile::hours}; at < to;) {
        const WallTime end = std::min<WallTime>(std::chrono::floor<hours>(at) + hours{1}, to);
        sum += profile.per_hour.at(hour_of_week(at)) * part_of_hour(end - at);
        at = end;
    }
    return sum;
}

double weekend_messages(const HourProfile& profile) {
    constexpr std::size_t friday_evening = 4 * 24 + 18;
    constexpr std::size_t monday_morning = 8;
    double messages = 0;
    for (std::size_t hour = 0; hour < HourProfile::hours; ++hour) {
        const bool is_in = hour >= friday_evening || hour < monday_morning;
        messages += is_in ? profile.per_hour.at(hour) : 0;
    }
    return messages;
}

double straggler_bound(std::uint64_t stragglers, double expected) {
    return expected <= 0 ? 1 : std::min(1.0, numerator(stragglers) / expected);
}

double messages_needed(std::uint64_t stragglers, double share) {
    return numerator(stragglers) / share;
}

std::optional<WallTime> quiet_at(const QuietGoal& goal, const HourProfile& profile) {
    if (goal.share <= 0) {
        return std::nullopt;
    }
    double missing = messages_needed(goal.stragglers, goal.share);
    WallTime at = goal.since;
    while (at - goal.since < quiet_horizon) {
        const WallTime end = std::chrono::floor<hours>(at) + hours{1};
        const double rate = profile.per_hour.at(hour_of_week(at));
        const double here = rate * part_of_hour(end - at);
        if (here >= missing) {
            const std::chrono::duration<double, std::ratio<3600>> rest{missing / rate};
            return at + std::chrono::ceil<std::chrono::milliseconds>(rest);
        }
        missing -= here;
        at = end;
    }
    return std::nullopt;
}

std::string_view format_straggler_class(StragglerClass kind) {
    switch (kind) {
    case StragglerClass::spam:
        return "spam";
    case StragglerClass::dns_lag:
        return "dns-lag";
    case StragglerClass::mta_cache:
        return "mta-cache";
    case StragglerClass::hard_coded:
        return "hard-coded";
    case StragglerClass::local_domain:
        return "local-domain";
    }
    return "";
}

std::string_view straggler_advice(StragglerClass kind) {
    switch (kind) {
    case StragglerClass::spam:
        return "spammers use an old MX for weeks; it does not count";
    case StragglerClass::dns_lag:
        return "an old answer of DNS; it ends by itself";
    case StragglerClass::mta_cache:
        return "the sender's server keeps the old address; write to its postmaster if it goes on";
    case StragglerClass::hard_coded:
        return "the old address is written down somewhere (printer, scanner, application, "
               "partner's "
               "route); change it there";
    case StragglerClass::local_domain:
        return "the old server delivers to itself; remove the domain there or give it a route to "
               "the new MX";
    }
    return "";
}

StragglerClass classify(const StragglerFacts& facts) {
    if (facts.is_spam) {
        return StragglerClass::spam;
    }
    if (facts.is_old_server) {
        return StragglerClass::local_domain;
    }
    const bool is_private = is_private_address(facts.client_address);
    if (is_private || (facts.hard_deadline && facts.at >= *facts.hard_deadline)) {
        return StragglerClass::hard_coded;
    }
    if (!facts.mx_deadline || facts.at < *facts.mx_deadline || facts.provider_at_siding) {
        return StragglerClass::dns_lag;
    }
    return StragglerClass::mta_cache;
}

bool is_private_address(std::string_view address) {
    static const std::vector<Network> networks = [] {
        std::vector<Network> all;
        for (const char* const text :
             {"10.0.0.0/8",
              "172.16.0.0/12",
              "192.168.0.0/16",
              "127.0.0.0/8",
              "169.254.0.0/16",
              "100.64.0.0/10",
              "::1",
              "fe80::/10",
              "fc00::/7"}) {
            if (const auto network = Network::parse(text)) {
                all.push_back(*network);
            }
        }
        return all;
    }();
    return contains(networks, address);
}

}  // namespace siding::dns

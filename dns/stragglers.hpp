// Stragglers: mail that still reaches the old server after the switch. What their number says about
// the share of all mail that goes there, how long silence must last to prove anything, and why one
// of them came. Pure; the counting is in cutover/.
#pragma once

#include "base/clock.hpp"

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace siding::dns {

// λ(h): messages that are expected in each hour of the week, from Monday 00:00 UTC on.
struct HourProfile {
    static constexpr std::size_t hours = 168;

    std::array<double, hours> per_hour{};

    double per_week() const;
    bool operator==(const HourProfile&) const = default;
};

std::size_t hour_of_week(WallTime time);

// N = ∫ λ from `from` to `to`.
double expected_messages(const HourProfile& profile, WallTime from, WallTime to);

// From Friday 18:00 to Monday 08:00 UTC: the hold of a move over a weekend.
double weekend_messages(const HourProfile& profile);

// Upper bound (95 %) of the share of mail that goes to the old server, after k stragglers among N
// expected messages: 3/N for k = 0 (rule of three), otherwise (k + 1.96·√(k+1) + 2)/N; at most 1.
double straggler_bound(std::uint64_t stragglers, double expected);

// N that it takes for straggler_bound() to come down to `share`: 3/q for k = 0.
double messages_needed(std::uint64_t stragglers, double share);

struct QuietGoal {
    double share = 0.001;          // q
    std::uint64_t stragglers = 0;  // k so far
    WallTime since{};              // what counts begins here
};
// When the bound reaches the goal if nobody else comes: the T with N(since, T) = 3/q. Nothing if it
// never does within a year: a profile without mail.
std::optional<WallTime> quiet_at(const QuietGoal& goal, const HourProfile& profile);

enum class StragglerClass {
    spam,          // does not count for the gate: spammers use an old MX for weeks
    dns_lag,       // before the deadline, or its provider has been seen at Siding too
    mta_cache,     // after the deadline, from a provider that has not come to Siding
    hard_coded,    // the same client after the hard deadline, or from a private network
    local_domain,  // the old server itself, which thinks that the domain is its own
};
constexpr std::size_t straggler_classes = 5;

std::string_view format_straggler_class(StragglerClass kind);
// What an operator does about it, a sentence.
std::string_view straggler_advice(StragglerClass kind);

struct StragglerFacts {
    WallTime at{};
    std::string client_address{};
    bool is_spam = false;
    bool is_old_server = false;       // handed in on the old server itself
    bool provider_at_siding = false;  // since the switch
    std::optional<WallTime> mx_deadline{};
    std::optional<WallTime> hard_deadline{};
};
StragglerClass classify(const StragglerFacts& facts);

// RFC 1918, loopback, link-local, unique local and carrier-grade addresses: not on the Internet.
bool is_private_address(std::string_view address);

// What was counted, as the verdict wants it.
struct StragglerCount {
    bool has_source = false;  // does anybody listen at the old server?
    std::string source{};     // "the log /var/log/old/mail.log", "mail from 192.0.2.25"
    WallTime since{};         // counting began: D_mx, or a week ago
    std::uint64_t count = 0;  // without spam
    std::uint64_t spam = 0;
    double expected = 0;                                     // N since then
    std::array<std::uint64_t, straggler_classes> classes{};  // by StragglerClass
    std::optional<WallTime> last_at{};
    std::optional<HourProfile> profile{};  // to say when; unset without a baseline

    double bound() const { return straggler_bound(count, expected); }
};

}  // namespace siding::dns

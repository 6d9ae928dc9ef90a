// Sender coverage: how much of a domain's usual mail comes from providers that have been seen at
// Siding since the switch and have left the old server. Pure; the counting is in cutover/.
#pragma once

#include "base/clock.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace siding::dns {

struct Provider {
    std::string name{};
    double share = 0;     // of the baseline, 0 to 1
    bool seen = false;    // at Siding since the switch
    WallTime seen_at{};   // the last time
    bool at_old = false;  // at the old server, within the time of grace

    bool operator==(const Provider&) const = default;
};

struct Coverage {
    double share = 0;                     // C, 0 to 1
    std::vector<Provider> missing{};      // largest first, limits::missing_senders_max at most
    std::uint64_t baseline_messages = 0;  // 0: nothing to compare with, C means nothing
    std::uint64_t providers = 0;
    std::uint64_t providers_covered = 0;
};

// What is known of one provider.
struct ProviderFacts {
    std::string name{};
    std::uint64_t messages = 0;                // of the baseline
    std::optional<WallTime> seen_at_siding{};  // the last time
    std::optional<WallTime> seen_at_old{};     // the last time
};

struct CoverageWindow {
    WallTime published_at{};        // T_pub: what Siding saw before does not count
    std::chrono::seconds grace{0};  // g = 2·TTL_1
    WallTime now{};
};

// C = Σ_p w_p · [p seen at Siding after T_pub, and not at the old server for g], with w_p the share
// of p in the baseline.
Coverage coverage_of(std::span<const ProviderFacts> providers, const CoverageWindow& window);

// "98.7 % of 12 345 messages; missing: bank-x.example (0.4 %), 10.1.2.0/24 (0.3 %)"
std::string format_coverage(const Coverage& coverage);

}  // namespace siding::dns

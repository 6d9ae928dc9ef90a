#include "dns/coverage.hpp"

#include "base/limits.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <string>

namespace siding::dns {

Coverage coverage_of(std::span<const ProviderFacts> providers, const CoverageWindow& window) {
    Coverage coverage;
    for (const ProviderFacts& facts : providers) {
        coverage.baseline_messages += facts.messages;
    }
    if (coverage.baseline_messages == 0) {
        return coverage;
    }
    const auto total = static_cast<double>(coverage.baseline_messages);
    std::uint64_t covered = 0;
    for (const ProviderFacts& facts : providers) {
        if (facts.messages == 0) {
            continue;
        }
        ++coverage.providers;
        Provider provider;
        provider.name = facts.name;
        provider.share = static_cast<double>(facts.messages) / total;
        provider.seen = facts.seen_at_siding && *facts.seen_at_siding >= window.published_at;
        provider.seen_at = facts.seen_at_siding.value_or(WallTime{});
        provider.at_old = facts.seen_at_old && *facts.seen_at_old >= window.published_at &&
                          window.now - *facts.seen_at_old < window.grace;
        if (provider.seen && !provider.at_old) {
            ++coverage.providers_covered;
            covered += facts.messages;
        } else {
            coverage.missing.push_back(std::move(provider));
        }
    }
    coverage.share = static_cast<double>(covered) / total;
    std::ranges::sort(coverage.missing, [](const Provider& a, const Provider& b) {
        return a.share != b.share ? a.share > b.share : a.name < b.name;
    });
    if (coverage.missing.size() > limits::missing_senders_max) {
        coverage.missing.resize(limits::missing_senders_max);
    }
    return coverage;
}

std::string format_coverage(const Coverage& coverage) {
    constexpr std::size_t named_max = 3;
    // Rounded down: 98.96 % must not look like the 99 % that are asked for.
    const auto percent = [](double share) { return static_cast<int>(share * 1000 + 1e-9) / 10.0; };
    std::string text = fmt::format(
        "{:.1f} % of the usual mail ({} messages)",
        percent(coverage.share),
        coverage.baseline_messages
    );
    for (std::size_t i = 0; i < std::min(coverage.missing.size(), named_max); ++i) {
        const Provider& provider = coverage.missing[i];
        text += fmt::format(
            "{}{} ({:.1f} %{})",
            i == 0 ? "; missing: " : ", ",
            provider.name,
            provider.share * 100,
            provider.at_old ? ", still at the old server" : ""
        );
    }
    if (coverage.missing.size() > named_max) {
        text += ", …";
    }
    return text;
}

}  // namespace siding::dns

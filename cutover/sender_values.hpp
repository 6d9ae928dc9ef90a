// The small values that a book of senders is kept as, as texts. Pure.
#pragma once

#include "cutover/senders.hpp"

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace siding::cutover {

// A provider: messages of the baseline, messages learned, last seen at Siding and at the old
// server.
struct ProviderValue {
    std::uint64_t imported = 0;
    std::uint64_t learned = 0;
    std::optional<WallTime> at_siding{};
    std::optional<WallTime> at_old{};

    bool operator==(const ProviderValue&) const = default;
};
std::string format_provider(const ProviderValue& value);
std::optional<ProviderValue> parse_provider(std::string_view text);

// The hours and the span of a baseline, without its providers and networks.
std::string format_baseline(const SenderBaseline& baseline);
std::optional<SenderBaseline> parse_baseline(std::string_view text);

// By hour since the epoch: messages at Siding, and stragglers that are no longer listed.
struct HoursValue {
    std::map<std::int64_t, std::uint64_t> messages{};
    std::map<std::int64_t, std::uint64_t> dropped{};

    bool operator==(const HoursValue&) const = default;
};
std::string format_hours(const HoursValue& value);
std::optional<HoursValue> parse_hours(std::string_view text);

// In order of time.
std::string straggler_key(WallTime at, std::uint64_t number);
std::optional<std::uint64_t> parse_straggler_key(std::string_view key);  // its number
std::string format_straggler(const Straggler& straggler);
std::optional<Straggler> parse_straggler(std::string_view text);

}  // namespace siding::cutover

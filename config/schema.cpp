#include "config/schema.hpp"

#include "base/check.hpp"
#include "config/keys_backfill.hpp"
#include "config/keys_delivery.hpp"
#include "config/keys_dns.hpp"
#include "config/keys_limits.hpp"
#include "config/keys_listening.hpp"
#include "config/keys_operation.hpp"
#include "config/keys_routing.hpp"
#include "config/keys_servers.hpp"
#include "config/keys_waves.hpp"
#include "config/units.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>

namespace siding::config {
namespace {

using enum KeyType;

// In the order of the reference.
template <std::size_t... Sizes>
constexpr auto join(const std::array<Key, Sizes>&... parts) {
    std::array<Key, (Sizes + ...)> all{};
    auto out = all.begin();
    ((out = std::ranges::copy(parts, out).out), ...);
    return all;
}

constexpr std::array table = join(
    rows::listening,
    rows::servers,
    rows::domains,
    rows::waves,
    rows::domain_dns,
    rows::checking,
    rows::delivery,
    rows::dns,
    rows::limits,
    rows::operation,
    rows::backfill
);

std::string join_choices(std::string_view choices) {
    const auto parts = split_choices(choices);
    std::string text{parts.front()};
    for (std::size_t i = 1; i < parts.size(); ++i) {
        text += i + 1 == parts.size() ? " or " : ", ";
        text += parts[i];
    }
    return text;
}

std::string duration_range(const Key& key) {
    return fmt::format(
        "from {} to {}",
        format_duration(std::chrono::milliseconds{key.min}),
        format_duration(std::chrono::milliseconds{key.max})
    );
}

}  // namespace

std::span<const Key> keys() {
    return table;
}

const Key* find_key(std::string_view path) {
    for (const Key& key : table) {
        if (key.path == path) {
            return &key;
        }
    }
    return nullptr;
}

std::vector<const Key*> children_of(std::string_view path) {
    std::vector<const Key*> children;
    for (const Key& key : table) {
        const auto leaf = leaf_of(key);
        const auto parent = key.path.substr(0, key.path.size() - leaf.size());
        const bool top = path.empty() && parent.empty();
        if (top ||
            (!path.empty() && parent.size() == path.size() + 1 && parent.starts_with(path))) {
            children.push_back(&key);
        }
    }
    return children;
}

std::string_view leaf_of(const Key& key) {
    return key.path.substr(key.path.rfind('.') + 1);
}

std::vector<std::string_view> split_choices(std::string_view text) {
    std::vector<std::string_view> parts;
    for (auto bar = text.find('|'); bar != std::string_view::npos; bar = text.find('|')) {
        parts.push_back(text.substr(0, bar));
        text.remove_prefix(bar + 1);
    }
    parts.push_back(text);
    return parts;
}

std::string allowed_values(const Key& key) {
    switch (key.type) {
    case group:
        return "keys below it";
    case map:
        return "names, each with keys below it";
    case list:
        return "a list of entries with keys";
    case hostname:
        return "a full name, such as hold.example.net";
    case path:
        return "an absolute path";
    case endpoint:
        return "host:port";
    case size:
        return fmt::format("a size from {} to {}", format_size(key.min), format_size(key.max));
    case duration:
        return "a duration " + duration_range(key);
    case durations:
        return "a list of durations, each " + duration_range(key);
    case count:
        return fmt::format("a number from {} to {}", key.min, key.max);
    case choice:
        return join_choices(key.choices);
    case choices:
        return "a list of " + join_choices(key.choices);
    case choice_or_group:
        return join_choices(key.choices) + ", or keys below it";
    case flag:
        return "true or false";
    case percent:
        return fmt::format("a percentage from {}% to {}%", key.min, key.max);
    case share:
        return fmt::format(
            "a percentage from {} to {}, such as {}",
            format_share(key.min),
            format_share(key.max),
            key.fallback
        );
    case day_times:
        return "a list of parts of a day, such as 08:00-18:00";
    case file:
        return "a path";
    case files:
        return "a path, or a list of them";
    case hostnames:
        return "a list of full names, such as mx.example.net";
    case time:
        return "a time in UTC, such as 2026-11-28T20:00:00Z";
    case networks:
        return "a list of networks, such as 10.0.0.0/8 or 2001:db8::/32";
    case names:
        return "a list of names that stand under servers";
    case endpoints:
        return "a list of host:port";
    case addresses:
        return "a list of IP addresses";
    case fingerprints:
        return "a list of SHA-256 fingerprints, 64 digits each";
    case credential:
        return "a name of letters, digits, '.', '-' and '_'";
    case server:
        return "a name that stands under servers";
    case glob:
        return "a pattern such as *@example.com";
    case patterns:
        return "a list of patterns such as sales-*, without an @";
    case header_glob:
        return "a field's name, a colon and a pattern, such as X-Priority: 1*";
    case url:
        return "http://host:port";
    case https_url:
        return "https://host/path, or http:// with a loopback address";
    case address:
        return "an address, or <>";
    case delimiter:
        return "one of +-=_#.!~, or \"\" for none";
    case text:
        return "a name";
    case reserve:
        return "auto, a size such as 2GiB, or a percentage such as 5%";
    case threads:
        return fmt::format("auto, or a number from {} to {}", key.min, key.max);
    }
    SIDING_UNREACHABLE("key type");
}

}  // namespace siding::config

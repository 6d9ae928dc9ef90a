// Every key there is, once: what it may be, its default, its meaning, and whether a reload can
// change it. The loader, docs/configuration.md and siding.example.yaml all come from this table.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace siding::config {

enum class KeyType {
    group,  // fixed keys below it
    map,    // names that the operator chooses below it
    list,   // entries, each a group
    hostname,
    path,
    endpoint,
    size,
    duration,
    durations,  // a list of them
    count,
    percent,
    share,  // a percentage with a fraction; `min` and `max` in millionths of the whole
    flag,
    choice,
    choices,          // a list of them
    choice_or_group,  // one word, or fixed keys below it
    reserve,          // "auto", a size, or a percentage
    threads,          // "auto" or a count
    file,             // a path, relative to the configuration's directory
    files,            // one, or a list of them
    hostnames,        // a list of them
    time,             // in UTC
    day_times,        // a list of parts of a day
    networks,         // a list of them
    names,            // a list of servers' names
    server,           // one of them
    endpoints,        // a list of them
    addresses,        // a list of IP addresses
    fingerprints,     // a list of them
    credential,
    glob,
    patterns,  // a list of globs on local parts
    header_glob,
    url,
    https_url,
    address,
    delimiter,
    text,
};

enum class Reload {
    live,         // a reload changes it
    restart,      // the running daemon keeps the old value until it is restarted
    first_start,  // read once, when the queue first hears of the domain
};

struct Key {
    std::string_view path;  // "limits.message_size", "servers.*.address", "listeners[].address"
    KeyType type = KeyType::group;
    std::uint64_t min = 0;          // size: octets; duration: milliseconds; others: itself
    std::uint64_t max = 0;          // likewise
    std::string_view choices = {};  // "info|warn", in the order of the enum
    bool required = false;
    std::string_view fallback = {};  // the default as one writes it; empty: there is none
    std::string_view example = {};   // of a map: its names, "old|new"; below it: one for each name
    bool optional = false;      // of what has keys below it: standing there, it wants some of them
    bool may_be_empty = false;  // of a list
    Reload reload = Reload::live;
    std::string_view doc = {};
};

// For `min` and `max`.
inline constexpr std::uint64_t KiB = 1ull << 10;
inline constexpr std::uint64_t MiB = 1ull << 20;
inline constexpr std::uint64_t GiB = 1ull << 30;
inline constexpr std::uint64_t second = 1000;
inline constexpr std::uint64_t minute = 60 * second;
inline constexpr std::uint64_t hour = 60 * minute;
inline constexpr std::uint64_t day = 24 * hour;

std::span<const Key> keys();

// nullptr where the table has no such path.
const Key* find_key(std::string_view path);

// The keys directly below "", "limits", "servers.*" or "listeners[]", in the order of the table.
std::vector<const Key*> children_of(std::string_view path);

// "message_size" of "limits.message_size"
std::string_view leaf_of(const Key& key);

// For people: "a size from 64KiB to 4GiB", "normalize or reject".
std::string allowed_values(const Key& key);

// "a|b" to its parts.
std::vector<std::string_view> split_choices(std::string_view text);

}  // namespace siding::config

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
    choice,
    reserve,  // "auto", a size, or a percentage
    threads,  // "auto" or a count
};

enum class Reload {
    live,         // a reload changes it
    restart,      // the running daemon keeps the old value until it is restarted
    first_start,  // read once, when the queue first hears of the domain
};

struct Key {
    std::string_view path;  // "limits.message_size", "servers.*.address", "listeners[].address"
    KeyType type = KeyType::group;
    std::uint64_t min = 0;          // size: octets; duration: milliseconds; count: itself
    std::uint64_t max = 0;          // likewise
    std::string_view choices = {};  // "info|warn"
    std::string_view not_yet = {};  // why a value that people may expect is not among the choices
    bool required = false;
    std::string_view fallback = {};  // the default as one writes it; empty: there is none
    std::string_view example = {};   // of a map: its names, "old|new"; below it: one for each name
    Reload reload = Reload::live;
    std::string_view doc = {};
};

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

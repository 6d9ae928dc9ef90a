// Which names a server takes for its folders, and what becomes of one that it does not take. A
// level is one part of a name between separators, as UTF-8.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace siding::backfill {

enum class ServerKind { generic, dovecot, cyrus, courier, mailutils, gmail, exchange, yahoo };

// By what the server says of itself: greeting, ID and capabilities, one after the other.
ServerKind server_kind_of(std::string_view words);

struct NameRules {
    std::string forbidden;  // octets, besides the separator and controls
    std::string forbidden_first;
    std::vector<std::string> reserved;   // levels at the top, without regard to case
    std::size_t level_octets_max = 255;  // as modified UTF-7
    std::size_t name_octets_max = 1000;
    bool ignores_case = false;
    bool has_children_of_special = true;  // folders below Sent, Trash, …

    static NameRules of(ServerKind kind, char separator);
    // What every server takes; for another try after a refusal.
    static NameRules strict();
};

struct SafeLevel {
    std::string level;
    std::string why;  // empty where nothing was changed
};

// The nearest name that the rules allow: _ for what is forbidden, blanks set right, an over-long
// one cut and marked with a digest of the whole. Not unique: that is for who knows the others.
SafeLevel make_safe_level(std::string_view level, char separator, const NameRules& rules);

// For comparing names where case does not count: ASCII, Latin, Greek and Cyrillic letters.
std::string fold_case(std::string_view name);

// Whether a level at the top is one that the server keeps for itself.
bool is_reserved(std::string_view level, const NameRules& rules);

}  // namespace siding::backfill

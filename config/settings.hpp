// A Config spelled out: one line for each value, as one would write it in the file.
#pragma once

#include "config/config.hpp"
#include "config/schema.hpp"

#include <map>
#include <string>

namespace siding::config {

struct Setting {
    const Key* key;     // its row in the schema
    std::string value;  // empty for a map's entry itself ("servers.old") and for what is not set
};

// By path: "limits.message_size", "servers.old", "servers.old.address". Listeners and the retry
// schedule are one setting each.
std::map<std::string, Setting> settings_of(const Config& config);

std::string_view format_log_level(LogLevel level);
std::string_view format_bare_newlines(BareNewlines policy);

}  // namespace siding::config

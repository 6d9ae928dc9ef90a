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

// By path: "limits.message_size", "servers.old", "servers.old.address". A list is one
// setting, and so are all listeners and the recipients of a domain.
std::map<std::string, Setting> settings_of(const Config& config);

}  // namespace siding::config

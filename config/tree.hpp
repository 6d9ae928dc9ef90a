// A YAML document as our own small tree, each node with its place. Aliases, complex keys and second
// documents are refused, so that what stands in the file is what is read. Values stay text.
#pragma once

#include "config/problems.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace siding::config {

struct Entry;

struct Node {
    enum class Kind { nothing, scalar, list, map };

    Kind kind = Kind::nothing;
    Place place;
    std::string text;            // of a scalar
    std::vector<Node> items;     // of a list
    std::vector<Entry> entries;  // of a map, in the order of the file, duplicates included
};

struct Entry {
    std::string key;
    Place place;
    Node value;
};

// Nothing after a syntax error, which is then among the problems.
std::optional<Node> parse_yaml(std::string_view text, Problems& problems);

}  // namespace siding::config

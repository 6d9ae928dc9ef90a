// The common FILTER, from flags to a checked queue::Filter; the same flags on every verb.
#pragma once

#include "base/clock.hpp"
#include "queue/filter.hpp"

#include <map>
#include <string>

namespace CLI {
class App;
}

namespace siding::cli {

// The flags' texts as given, by their key in the control API; CLI11 writes into it while parsing.
using FilterFlags = std::map<std::string, std::string>;

// `flags` must outlive the parsing.
void add_filter_flags(CLI::App& verb, FilterFlags& flags);

// `now` is what durations count back from. `verb` tells a flag that was left out from one that was
// given empty: --sender "" is the null sender.
Result<queue::Filter> make_filter(const CLI::App& verb, const FilterFlags& flags, WallTime now);

}  // namespace siding::cli

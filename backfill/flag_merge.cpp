#include "backfill/flag_merge.hpp"

#include "base/bytes.hpp"

#include <algorithm>
#include <map>

namespace siding::backfill {
namespace {

// Lower case to the flag as it was written.
using Flags = std::map<std::string, std::string>;

Flags to_flags(const std::vector<std::string>& texts) {
    Flags flags;
    for (const std::string& text : texts) {
        flags.emplace(to_lower(text), text);
    }
    flags.erase("\\recent");
    return flags;
}

bool may_add(const std::string& flag, FlagWinner winner) {
    return winner == FlagWinner::source || flag != "\\deleted";
}

}  // namespace

FlagChange merge_flags(const FlagSides& sides, FlagWinner winner) {
    const bool has_base = sides.base.has_value();
    const Flags base = has_base ? to_flags(*sides.base) : Flags{};
    const Flags source = to_flags(sides.source);
    const Flags destination = to_flags(sides.destination);
    const bool adds = has_base || winner == FlagWinner::source;

    FlagChange change;
    for (const auto& [flag, text] : source) {
        change.base.push_back(text);
        if (adds && !base.contains(flag) && !destination.contains(flag) && may_add(flag, winner)) {
            change.add.push_back(text);
        }
    }
    for (const auto& [flag, text] : destination) {
        if (base.contains(flag) && !source.contains(flag)) {
            change.remove.push_back(text);
        }
    }
    std::ranges::sort(change.base);
    return change;
}

}  // namespace siding::backfill

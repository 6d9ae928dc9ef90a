// Gives each folder of the source its name at the destination. No two get the same one.
#pragma once

#include "backfill/folder_levels.hpp"

#include <map>
#include <set>
#include <string>
#include <string_view>

namespace siding::backfill {

class FolderPlacer {
public:
    struct Place {
        std::string name;
        std::string why;  // of a name that is not the source's; empty: it is

        // It, or one above it, has not the source's name.
        bool is_renamed = !why.empty();
        // Where the folders below go, if not below `name`.
        std::string for_children{};
    };

    // `below`: FolderRules::below. `destination` outlives the placer.
    FolderPlacer(const FolderSide& destination, const std::string& below);

    // Decided by somebody else, and before the folders below it are placed. Whatever `name` is, it
    // is taken from then on.
    void put(const Levels& levels, Place place);

    // Always the same for the same levels. Those above are placed first.
    const Place& place(const Levels& levels);

    // Whether a folder of that name is there and can hold messages.
    bool exists(const std::string& name) const;
    bool is_taken(const std::string& name) const { return taken_.contains(key(name)); }
    const NameRules& rules() const { return rules_; }

    // The name that the levels would have were nobody else there, below the top.
    std::string converted(const Levels& levels) const;

private:
    Place make(const Levels& levels);
    std::string join(const std::string& parent, const std::string& level) const;
    std::string key(const std::string& name) const;
    std::string unique(const std::string& name, std::string& why) const;

    const FolderSide& destination_;
    NameRules rules_;
    std::string top_;  // with its separator at the end, or empty
    std::map<Levels, Place> places_;
    std::set<std::string> taken_;
    std::map<std::string, const Folder*> there_;
};

}  // namespace siding::backfill

// The names of one side's folders as levels, without the personal namespace's prefix.
#pragma once

#include "backfill/folder_plan.hpp"

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace siding::backfill {

using Levels = std::vector<std::string>;

inline constexpr std::string_view inbox_level = "INBOX";

// {"INBOX"} for the inbox in any case; Gmail's container is left out.
Levels levels_of(const FolderSide& side, const Folder& folder);

bool has_attribute(const Folder& folder, std::string_view attribute);
bool is_selectable(const Folder& folder);

// Of another user, or of nobody: by the prefixes of their namespaces.
bool is_foreign(const FolderSide& side, const Folder& folder);

// What the folder says it is by an attribute, and Gmail's own ones by their place.
SpecialUse attributed_use(const Folder& folder);

// Which folder is the one for each use: that with the attribute, or else one at the top by its
// name. Of several the one with the most messages. Never INBOX, never a foreign one.
std::map<SpecialUse, const Folder*> find_special(const FolderSide& side);

}  // namespace siding::backfill

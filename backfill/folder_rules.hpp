// What the operator said about an account's folders beforehand, in the accounts file. Names are
// those of the source, as UTF-8 and complete; patterns are globs (base/glob.hpp).
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace siding::backfill {

struct FolderRules {
    // Source folder to destination folder, both complete names. The folders below go along.
    std::vector<std::pair<std::string, std::string>> map;
    std::vector<std::string> skip;
    std::vector<std::string> only;  // empty: all
    // A folder of the destination under which everything is put, INBOX too; empty: nothing such.
    std::string below;

    bool operator==(const FolderRules&) const = default;
};

}  // namespace siding::backfill

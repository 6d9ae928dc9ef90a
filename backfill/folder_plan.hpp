// Which folder of the source goes where at the destination, and why: made from both sides' lists,
// printed for review, edited, read again, compared with what there is later. Pure.
//
// Every selectable folder of the source has exactly one row. No two rows have one destination,
// unless the operator says so. The plan itself is the way back from a changed name to the real one.
#pragma once

#include "backfill/folder_name.hpp"
#include "backfill/folder_rules.hpp"
#include "backfill/special_use.hpp"
#include "base/result.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace siding::backfill {

struct Folder {
    std::string name;                     // as UTF-8, complete: prefix and separators included
    char separator = '\0';                // '\0': the server said NIL
    std::vector<std::string> attributes;  // "\Sent", "\HasChildren", … as they came
    bool is_subscribed = false;
    std::uint64_t messages = 0;
    std::uint64_t octets = 0;
};

// One server's folders, as one user sees them.
struct FolderSide {
    std::vector<Folder> folders;
    // The personal namespace (RFC 2342): "INBOX." or "". Without NAMESPACE: guess_prefix().
    std::string prefix;
    char separator = '/';
    std::vector<std::string> foreign;  // prefixes of other users' and shared namespaces
    ServerKind kind = ServerKind::generic;
    bool strict_names = false;  // NameRules::strict() in place of those of the kind
};

// "INBOX." where every folder but INBOX is below it; otherwise "".
std::string guess_prefix(const std::vector<Folder>& folders);

struct FolderPlan {
    struct Row {
        enum class Action { copy, create_and_copy, skip };

        std::string source;       // as the source writes it, UTF-8
        std::string destination;  // as the destination writes it; empty where skipped
        Action action = Action::copy;
        SpecialUse special_use = SpecialUse::none;  // to create it with (RFC 6154 §3)
        // Only what is in no other folder of the source: Gmail's All Mail. Comes last.
        bool is_rest = false;
        bool subscribe = false;
        std::uint64_t messages = 0;
        std::uint64_t octets = 0;
        std::string why;  // skipped, renamed, mapped; empty: nothing to say

        bool operator==(const Row&) const = default;
    };

    std::string account;
    // INBOX, then special ones, then the rest by name, at the end what is skipped.
    std::vector<Row> rows;
    std::vector<std::string> notes;

    bool operator==(const FolderPlan&) const = default;
};

std::string_view format_action(FolderPlan::Row::Action action);  // "copy", "create", "skip"

FolderPlan make_plan(
    std::string account,
    const FolderSide& source,
    const FolderSide& destination,
    const FolderRules& rules
);

// YAML for people to read and edit; parse_plan reads it back to the same plan. Errors of an edited
// one come all at once, a line each, with line and column.
std::string format_plan(const FolderPlan& plan);
Result<FolderPlan> parse_plan(std::string_view text, const std::string& file_name = "plan");

// What is otherwise now than in the plan that was reviewed, a line each, for people.
std::vector<std::string> drift(const FolderPlan& plan, const FolderPlan& fresh);

// The reviewed plan brought up to date: its rows decide, with today's counts and with what of them
// must be created today; folders that are new since have their fresh rows, those that are gone have
// none.
FolderPlan follow_plan(const FolderPlan& reviewed, const FolderPlan& fresh);

// Destination to source, of what is copied.
std::map<std::string, std::string> reverse_names(const FolderPlan& plan);

}  // namespace siding::backfill

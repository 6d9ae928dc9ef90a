#include "backfill/folder_placer.hpp"

#include "backfill/mailbox_name.hpp"
#include "base/check.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace siding::backfill {
namespace {

// A name that is not even that long cannot be told from others.
constexpr std::size_t level_octets_min = 24;

void add_reason(std::string& why, const std::string& reason) {
    if (!reason.empty()) {
        why += (why.empty() ? "" : ", ") + reason;
    }
}

}  // namespace

FolderPlacer::FolderPlacer(const FolderSide& destination, const std::string& below)
    : destination_{destination},
      rules_{
          destination.strict_names ? NameRules::strict()
                                   : NameRules::of(destination.kind, destination.separator)},
      top_{destination.prefix} {
    if (!below.empty()) {
        top_ = below.starts_with(top_) ? below : top_ + below;
        if (!top_.ends_with(destination.separator)) {
            top_.push_back(destination.separator);
        }
    }
    for (const Folder& folder : destination.folders) {
        there_.emplace(key(folder.name), &folder);
    }
}

std::string FolderPlacer::key(const std::string& name) const {
    if (is_inbox(name)) {
        return std::string{inbox_level};
    }
    return rules_.ignores_case ? fold_case(name) : name;
}

bool FolderPlacer::exists(const std::string& name) const {
    const auto found = there_.find(key(name));
    return is_inbox(name) || (found != there_.end() && is_selectable(*found->second));
}

std::string FolderPlacer::join(const std::string& parent, const std::string& level) const {
    const bool is_top = parent.empty() || parent == top_;
    return is_top ? parent + level : parent + destination_.separator + level;
}

std::string FolderPlacer::converted(const Levels& levels) const {
    std::string name = top_;
    for (const std::string& level : levels) {
        name = join(name, make_safe_level(level, destination_.separator, rules_).level);
    }
    return name;
}

std::string FolderPlacer::unique(const std::string& name, std::string& why) const {
    if (!is_taken(name)) {
        return name;
    }
    add_reason(why, "another folder has that name there");
    for (std::size_t number = 2;; ++number) {
        std::string other = fmt::format("{}-{}", name, number);
        if (!is_taken(other)) {
            return other;
        }
    }
}

void FolderPlacer::put(const Levels& levels, Place place) {
    taken_.insert(key(place.name));
    const bool is_new = places_.emplace(levels, std::move(place)).second;
    SIDING_CHECK(is_new, "a folder was placed twice");
}

const FolderPlacer::Place& FolderPlacer::place(const Levels& levels) {
    const auto found = places_.find(levels);
    if (found != places_.end()) {
        return found->second;
    }
    Place made = make(levels);
    taken_.insert(key(made.name));
    return places_.emplace(levels, std::move(made)).first->second;
}

FolderPlacer::Place FolderPlacer::make(const Levels& levels) {
    std::string parent = top_;
    bool is_renamed = false;
    if (levels.size() > 1) {
        const Place& above = place({levels.begin(), levels.end() - 1});
        is_renamed = above.is_renamed;
        parent = above.for_children.empty() ? above.name : above.for_children;
    }
    // RFC 9051 §5.1: INBOX is the user's, whatever prefix the other folders have.
    if (levels.size() == 1 && levels.front() == inbox_level && top_ == destination_.prefix) {
        return {std::string{inbox_level}, ""};
    }
    Place made;
    NameRules rules = rules_;
    if (to_mutf7(parent).size() + 1 + level_octets_min > rules.name_octets_max) {
        add_reason(made.why, "there are too many levels above it");
        parent = top_;
    }
    const std::size_t above_octets = to_mutf7(parent).size() + 1;
    const std::size_t room =
        rules.name_octets_max > above_octets ? rules.name_octets_max - above_octets : 1;
    rules.level_octets_max = std::min(rules.level_octets_max, std::max(room, level_octets_min));
    SafeLevel safe = make_safe_level(levels.back(), destination_.separator, rules);
    add_reason(made.why, safe.why);
    const bool is_false_inbox = is_inbox(safe.level) && levels.front() != inbox_level;
    if (parent == top_ && (is_false_inbox || is_reserved(safe.level, rules))) {
        add_reason(made.why, "the server keeps that name for itself");
        safe.level += "_";
    }
    std::string name = join(parent, safe.level);
    const auto there = there_.find(key(name));
    if (there != there_.end() && !is_taken(name)) {
        name = there->second->name;  // as it is written there
    }
    made.name = unique(name, made.why);
    made.is_renamed = is_renamed || !made.why.empty();
    return made;
}

}  // namespace siding::backfill

#include "backfill/folder_plan.hpp"

#include "backfill/folder_placer.hpp"
#include "backfill/mailbox_name.hpp"
#include "base/bytes.hpp"
#include "base/glob.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <set>
#include <tuple>

namespace siding::backfill {
namespace {

using Row = FolderPlan::Row;
using Action = FolderPlan::Row::Action;

// Those that are somebody's own folder and not a view, in the order of copying.
struct Usual {
    SpecialUse use;
    std::string_view name;  // where the source's own does not do
};
constexpr std::array usual_folders{
    Usual{SpecialUse::sent, "Sent"},
    Usual{SpecialUse::drafts, "Drafts"},
    Usual{SpecialUse::archive, "Archive"},
    Usual{SpecialUse::junk, "Junk"},
    Usual{SpecialUse::trash, "Trash"},
};

constexpr std::string_view above_renamed = "a folder above it has another name there";

// Whether one of the patterns fits; those that fit something are remembered.
class Patterns {
public:
    explicit Patterns(const std::vector<std::string>& patterns) : patterns_{patterns} {}

    bool fit(const std::string& name) {
        bool any = false;
        for (const std::string& pattern : patterns_) {
            const bool fits = matches_glob(pattern, name) ||
                              (is_inbox(name) && equals_ignoring_case(pattern, inbox_level));
            if (fits) {
                used_.insert(pattern);
            }
            any = any || fits;
        }
        return any;
    }

    void note_idle(std::string_view what, std::vector<std::string>& notes) const {
        for (const std::string& pattern : patterns_) {
            if (!used_.contains(pattern)) {
                notes.push_back(fmt::format("{}: '{}' fits no folder", what, escape(pattern)));
            }
        }
    }

private:
    const std::vector<std::string>& patterns_;
    std::set<std::string> used_;
};

// Some servers list a folder twice, also INBOX and Inbox, and tell its attributes only once.
FolderSide without_twins(const FolderSide& side) {
    const auto name = [](const Folder& folder) {
        return is_inbox(folder.name) ? std::string{inbox_level} : folder.name;
    };
    std::map<std::string, Folder> folders;
    for (const Folder& folder : side.folders) {
        const auto [known, is_new] = folders.emplace(name(folder), folder);
        if (!is_new) {
            Folder& first = known->second;
            first.attributes.insert(
                first.attributes.end(), folder.attributes.begin(), folder.attributes.end()
            );
            first.is_subscribed = first.is_subscribed || folder.is_subscribed;
            first.messages = std::max(first.messages, folder.messages);
            first.octets = std::max(first.octets, folder.octets);
        }
    }
    FolderSide made = side;
    made.folders.clear();
    for (auto& [key, folder] : folders) {
        made.folders.push_back(std::move(folder));
    }
    return made;
}

class Planner {
public:
    Planner(const FolderSide& source, const FolderSide& destination, const FolderRules& rules)
        : source_{without_twins(source)},
          destination_{destination},
          rules_{rules},
          placer_{destination, rules.below},
          special_{find_special(source_)},
          special_there_{find_special(destination)},
          skip_{rules.skip},
          only_{rules.only} {}

    FolderPlan make() {
        gather();
        place_mapped();
        place_special();
        for (const Folder* folder : folders_) {
            plan_.rows.push_back(make_row(*folder));
        }
        add_notes();
        sort();
        return std::move(plan_);
    }

private:
    void gather();
    void place_mapped();
    void place_special();
    void place_usual(const Usual& usual, const Folder& folder);
    Row make_row(const Folder& folder);
    std::string why_skipped(const Folder& folder);
    void add_notes();
    void sort();

    SpecialUse use_of(const Folder& folder) const;
    bool is_rest(const Folder& folder) const;
    const Folder* find_mapped(const std::string& name) const;

    const FolderSide source_;  // by name, none twice
    const FolderSide& destination_;
    const FolderRules& rules_;
    FolderPlacer placer_;
    std::map<SpecialUse, const Folder*> special_;
    std::map<SpecialUse, const Folder*> special_there_;
    Patterns skip_;
    Patterns only_;
    std::vector<const Folder*> folders_;  // those that can hold messages
    std::map<const Folder*, Levels> levels_;
    std::map<std::string, std::string> why_skipped_;
    FolderPlan plan_;
};

void Planner::gather() {
    for (const Folder& folder : source_.folders) {
        if (is_selectable(folder)) {
            folders_.push_back(&folder);
        }
    }
    std::set<Levels> taken;
    for (const Folder* folder : folders_) {
        why_skipped_.emplace(folder->name, why_skipped(*folder));
        // "[Gmail]/Chats" and a label "Chats" have the same levels.
        Levels levels = levels_of(source_, *folder);
        while (!taken.insert(levels).second) {
            levels.back() += "-2";
        }
        levels_.emplace(folder, std::move(levels));
    }
}

SpecialUse Planner::use_of(const Folder& folder) const {
    const auto found =
        std::ranges::find_if(special_, [&](const auto& entry) { return entry.second == &folder; });
    return found == special_.end() ? SpecialUse::none : found->first;
}

// Gmail's All Mail has what was archived: mail without a label is nowhere else.
bool Planner::is_rest(const Folder& folder) const {
    return source_.kind == ServerKind::gmail && attributed_use(folder) == SpecialUse::all;
}

std::string Planner::why_skipped(const Folder& folder) {
    const bool is_wanted = rules_.only.empty() || only_.fit(folder.name);
    if (skip_.fit(folder.name)) {
        return "as told by skip";
    }
    if (!is_wanted) {
        return "as told by only";
    }
    if (find_mapped(folder.name) == &folder) {
        return "";
    }
    if (is_foreign(source_, folder)) {
        return "belongs to another user, or to several";
    }
    if (is_view(attributed_use(folder)) && !is_rest(folder)) {
        return fmt::format(
            "shows what is in other folders ({})", attribute_of(attributed_use(folder))
        );
    }
    return "";
}

const Folder* Planner::find_mapped(const std::string& name) const {
    const bool is_mapped = std::ranges::any_of(rules_.map, [&](const auto& rule) {
        return rule.first == name || (is_inbox(name) && is_inbox(rule.first));
    });
    const auto found = std::ranges::find_if(folders_, [&](const Folder* folder) {
        return folder->name == name || (is_inbox(name) && is_inbox(folder->name));
    });
    return is_mapped && found != folders_.end() ? *found : nullptr;
}

void Planner::place_mapped() {
    std::set<Levels> placed;
    for (const auto& [from, to] : rules_.map) {
        const Folder* folder = find_mapped(from);
        if (folder == nullptr) {
            plan_.notes.push_back(fmt::format("map: there is no folder '{}'", escape(from)));
            continue;
        }
        const Levels& levels = levels_.at(folder);
        if (!placed.insert(levels).second) {
            plan_.notes.push_back(fmt::format("map: '{}' is there twice", escape(from)));
            continue;
        }
        if (placer_.is_taken(to)) {
            plan_.notes.push_back(fmt::format("map: more than one folder goes to '{}'", escape(to))
            );
        }
        std::string name = to;
        while (name.size() > 1 && name.ends_with(destination_.separator)) {
            name.pop_back();
        }
        placer_.put(levels, {std::move(name), "as told by map"});
    }
}

void Planner::place_special() {
    for (const Usual& usual : usual_folders) {
        const auto found = special_.find(usual.use);
        if (found != special_.end() && why_skipped_.at(found->second->name).empty()) {
            place_usual(usual, *found->second);
        }
    }
    for (const Folder* folder : folders_) {
        if (is_rest(*folder) && why_skipped_.at(folder->name).empty()) {
            place_usual({SpecialUse::archive, "Archive"}, *folder);
        }
    }
}

void Planner::place_usual(const Usual& usual, const Folder& folder) {
    const Levels& levels = levels_.at(&folder);
    if (find_mapped(folder.name) == &folder || !rules_.below.empty()) {
        return;
    }
    auto found = special_there_.find(usual.use);
    if (found == special_there_.end() && usual.use == SpecialUse::archive &&
        destination_.kind == ServerKind::gmail) {
        found = special_there_.find(SpecialUse::all);
    }
    const std::string own = placer_.converted(levels);
    if (found != special_there_.end() && !placer_.is_taken(found->second->name)) {
        const Folder& target = *found->second;
        FolderPlacer::Place place{target.name, ""};
        if (target.name != own) {
            place.why = fmt::format("is the one for {} there", attribute_of(usual.use));
        }
        if (!placer_.rules().has_children_of_special || has_attribute(target, "\\Noinferiors")) {
            place.for_children = is_reserved(levels.back(), placer_.rules()) ? own + "_" : own;
        }
        placer_.put(levels, std::move(place));
        return;
    }
    // "[Gmail]/Sent Mail" would be out of place elsewhere; so would a folder below another one.
    const Levels usual_levels{std::string{usual.name}};
    const bool keeps_name = levels.size() == 1 && source_.kind != ServerKind::gmail;
    const std::string name = placer_.converted(usual_levels);
    if (!keeps_name && !placer_.is_taken(name) && levels != usual_levels) {
        placer_.put(levels, {name, fmt::format("made there for {}", attribute_of(usual.use))});
    }
}

Row Planner::make_row(const Folder& folder) {
    Row row;
    row.source = folder.name;
    row.messages = folder.messages;
    row.octets = folder.octets;
    row.special_use = use_of(folder);
    row.why = why_skipped_.at(folder.name);
    if (!row.why.empty()) {
        row.action = Action::skip;
        return row;
    }
    const FolderPlacer::Place& place = placer_.place(levels_.at(&folder));
    row.destination = place.name;
    row.why = place.why.empty() && place.is_renamed ? std::string{above_renamed} : place.why;
    row.action = placer_.exists(place.name) ? Action::copy : Action::create_and_copy;
    row.is_rest = is_rest(folder);
    row.special_use = row.is_rest ? SpecialUse::archive : row.special_use;
    row.subscribe = folder.is_subscribed;
    return row;
}

void Planner::add_notes() {
    skip_.note_idle("skip", plan_.notes);
    only_.note_idle("only", plan_.notes);
    const bool has_rest =
        std::ranges::any_of(folders_, [&](const Folder* folder) { return is_rest(*folder); });
    if (source_.kind == ServerKind::gmail && !has_rest) {
        plan_.notes.emplace_back(
            "All Mail is not shown by IMAP: mail without a label is not copied; the user can show "
            "it in the settings of Gmail"
        );
    }
    for (const Row& row : plan_.rows) {
        const bool is_told = row.action == Action::skip || row.why == above_renamed;
        if (!is_told && !row.why.empty() && row.special_use == SpecialUse::none) {
            plan_.notes.push_back(fmt::format(
                "'{}' becomes '{}': {}", escape(row.source), escape(row.destination), row.why
            ));
        }
    }
}

void Planner::sort() {
    const auto rank = [](const Row& row) {
        const auto usual = std::ranges::find(usual_folders, row.special_use, &Usual::use);
        const auto order = row.action == Action::skip ? 100
                           : row.is_rest              ? 99
                           : is_inbox(row.source)     ? 0
                                                      : 1 + (usual - usual_folders.begin());
        return std::tuple{order, row.source};
    };
    std::ranges::stable_sort(plan_.rows, {}, rank);
}

}  // namespace

FolderPlan make_plan(
    std::string account,
    const FolderSide& source,
    const FolderSide& destination,
    const FolderRules& rules
) {
    FolderPlan plan = Planner{source, destination, rules}.make();
    plan.account = std::move(account);
    return plan;
}

}  // namespace siding::backfill

#include "backfill/folder_levels.hpp"

#include "backfill/mailbox_name.hpp"
#include "base/bytes.hpp"

#include <algorithm>
#include <array>

namespace siding::backfill {
namespace {

bool starts_ignoring_case(std::string_view text, std::string_view start) {
    return text.size() >= start.size() && equals_ignoring_case(text.substr(0, start.size()), start);
}

bool is_gmail_container(std::string_view level) {
    return level == "[Gmail]" || level == "[Google Mail]";
}

Levels split(std::string_view name, char separator) {
    Levels levels;
    while (separator != '\0') {
        const auto end = name.find(separator);
        if (end == std::string_view::npos) {
            break;
        }
        levels.emplace_back(name.substr(0, end));
        name.remove_prefix(end + 1);
    }
    levels.emplace_back(name);
    // "a//b" and "a/" have levels without a name.
    std::erase(levels, "");
    return levels;
}

}  // namespace

Levels levels_of(const FolderSide& side, const Folder& folder) {
    if (is_inbox(folder.name)) {
        return {std::string{inbox_level}};
    }
    std::string_view name = folder.name;
    if (name.size() > side.prefix.size() && starts_ignoring_case(name, side.prefix)) {
        name.remove_prefix(side.prefix.size());
    }
    const char separator = folder.separator == '\0' ? side.separator : folder.separator;
    Levels levels = split(name, separator);
    if (levels.empty()) {
        levels.emplace_back(name);
    }
    if (is_inbox(levels.front())) {
        levels.front() = inbox_level;
    }
    if (levels.size() > 1 && side.kind == ServerKind::gmail && is_gmail_container(levels.front())) {
        levels.erase(levels.begin());
    }
    return levels;
}

bool has_attribute(const Folder& folder, std::string_view attribute) {
    return std::ranges::any_of(folder.attributes, [&](const std::string& own) {
        return equals_ignoring_case(own, attribute);
    });
}

bool is_selectable(const Folder& folder) {
    // Some servers list the root of their namespace, which has no name.
    return !folder.name.empty() && !has_attribute(folder, "\\Noselect") &&
           !has_attribute(folder, "\\NonExistent");
}

bool is_foreign(const FolderSide& side, const Folder& folder) {
    return std::ranges::any_of(side.foreign, [&](const std::string& prefix) {
        const std::string_view root =
            std::string_view{prefix}.substr(0, prefix.empty() ? 0 : prefix.size() - 1);
        return !prefix.empty() && (starts_ignoring_case(folder.name, prefix) ||
                                   (!root.empty() && folder.name == root));
    });
}

SpecialUse attributed_use(const Folder& folder) {
    for (const std::string& attribute : folder.attributes) {
        if (const auto use = special_use_of_attribute(attribute); use != SpecialUse::none) {
            return use;
        }
    }
    return SpecialUse::none;
}

std::map<SpecialUse, const Folder*> find_special(const FolderSide& side) {
    std::map<SpecialUse, const Folder*> by_attribute;
    std::map<SpecialUse, const Folder*> by_name;
    const auto put = [](std::map<SpecialUse, const Folder*>& found,
                        SpecialUse use,
                        const Folder& folder) {
        const auto [known, is_new] = found.emplace(use, &folder);
        if (!is_new &&
            (folder.messages > known->second->messages ||
             (folder.messages == known->second->messages && folder.name < known->second->name))) {
            known->second = &folder;
        }
    };
    for (const Folder& folder : side.folders) {
        const Levels levels = levels_of(side, folder);
        if (!is_selectable(folder) || is_foreign(side, folder) || is_inbox(folder.name)) {
            continue;
        }
        if (const auto use = attributed_use(folder); use != SpecialUse::none) {
            put(by_attribute, use, folder);
        } else if (levels.size() == 1) {
            if (const auto meant = special_use_of_name(levels.front()); meant != SpecialUse::none) {
                put(by_name, meant, folder);
            }
        }
    }
    by_attribute.merge(by_name);
    return by_attribute;
}

std::string guess_prefix(const std::vector<Folder>& folders) {
    std::string prefix;
    for (const Folder& folder : folders) {
        if (is_inbox(folder.name)) {
            continue;
        }
        const std::string own = std::string{inbox_level} + folder.separator;
        if (folder.separator == '\0' || !starts_ignoring_case(folder.name, own) ||
            (!prefix.empty() && prefix.back() != folder.separator)) {
            return "";
        }
        prefix = own;
    }
    return prefix;
}

}  // namespace siding::backfill

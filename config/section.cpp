#include "config/section.hpp"

#include "base/bytes.hpp"
#include "base/check.hpp"
#include "config/suggest.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <set>

namespace siding::config {
namespace {

std::string join(std::string_view parent, std::string_view name) {
    return parent.empty() ? std::string{name} : fmt::format("{}.{}", parent, name);
}

std::vector<std::string_view> names_of(const std::vector<const Key*>& children) {
    std::vector<std::string_view> names;
    for (const Key* child : children) {
        names.push_back(leaf_of(*child));
    }
    return names;
}

std::string unknown_key(std::string_view written, const std::vector<std::string_view>& names) {
    if (const auto near = suggest(written, names)) {
        return fmt::format("unknown key; did you mean '{}'?", *near);
    }
    for (const Key& key : keys()) {
        if (leaf_of(key) == written) {
            return fmt::format("unknown key here; did you mean '{}'?", key.path);
        }
    }
    return fmt::format("unknown key; allowed: {}", fmt::join(names, ", "));
}

}  // namespace

Section::Section(const Node& node, SectionPath where, Problems& problems)
    : node_{node}, where_{std::move(where)}, problems_{problems} {
    problems_.remember(where_.path, node.place);
    if (node.kind != Node::Kind::map && node.kind != Node::Kind::nothing) {
        problems_.add(
            node.place,
            where_.path,
            fmt::format(
                "keys are expected here; allowed: {}",
                fmt::join(names_of(children_of(where_.schema)), ", ")
            )
        );
        return;
    }
    check_repeated();
    check_known();
    check_required();
}

void Section::check_repeated() {
    std::set<std::string_view> seen;
    for (const Entry& entry : node_.entries) {
        if (!seen.insert(entry.key).second) {
            problems_.add(
                entry.place, full_path(entry.key), "stands here a second time; write it once"
            );
        }
    }
}

void Section::check_known() {
    const auto names = names_of(children_of(where_.schema));
    for (const Entry& entry : node_.entries) {
        if (std::ranges::find(names, entry.key) == names.end()) {
            problems_.add(entry.place, full_path(entry.key), unknown_key(entry.key, names));
        }
    }
}

void Section::check_required() {
    for (const Key* child : children_of(where_.schema)) {
        if (child->required && find(leaf_of(*child)) == nullptr) {
            problems_.add(
                node_.place,
                full_path(leaf_of(*child)),
                fmt::format("is missing; allowed: {}", allowed_values(*child))
            );
        }
    }
}

const Key& Section::row(std::string_view name) const {
    const Key* key = find_key(join(where_.schema, name));
    SIDING_CHECK(key != nullptr, name);
    return *key;
}

const Node* Section::find(std::string_view name) const {
    const auto found = std::ranges::find(node_.entries, name, &Entry::key);
    if (found == node_.entries.end()) {
        return nullptr;
    }
    problems_.remember(full_path(name), found->value.place);
    return &found->value;
}

std::string Section::full_path(std::string_view name) const {
    return join(where_.path, escape(name));
}

bool Section::check_scalar(const Key& key, const Node& value) {
    if (value.kind == Node::Kind::scalar) {
        return true;
    }
    const bool empty = value.kind == Node::Kind::nothing;
    const std::string_view what = empty ? "has no value" : "must be a single value";
    problems_.add(
        value.place,
        full_path(leaf_of(key)),
        fmt::format("{}; allowed: {}", what, allowed_values(key))
    );
    return false;
}

std::optional<std::vector<const Node*>> Section::list_of(const Key& key, std::string_view name) {
    const Node* value = find(name);
    if (value == nullptr) {
        return std::nullopt;
    }
    if (value->kind == Node::Kind::scalar) {
        return std::vector{value};
    }
    std::vector<const Node*> elements;
    for (const Node& item : value->items) {
        elements.push_back(&item);
    }
    const bool may_be_empty = key.may_be_empty && value->kind == Node::Kind::list;
    if (elements.empty() && !may_be_empty) {
        problems_.add(
            value->place,
            full_path(name),
            fmt::format(
                "needs at least one entry{}; allowed: {}",
                key.may_be_empty ? ", or [] for none" : "",
                allowed_values(key)
            )
        );
        return std::nullopt;
    }
    return elements;
}

void Section::add_repeated(Place place, std::string_view name, std::string_view text) {
    problems_.add(
        place,
        full_path(name),
        fmt::format("'{}' stands here a second time; write it once", escape(text))
    );
}

void Section::add_problem(std::string what) {
    problems_.add(node_.place, where_.path, std::move(what));
}

void Section::add_problem(std::string_view name, std::string what) {
    const Node* value = find(name);
    problems_.add(value == nullptr ? node_.place : value->place, full_path(name), std::move(what));
}

void Section::group(std::string_view name, const Read& read) {
    if (const Node* value = find(name)) {
        Section section{*value, {full_path(name), std::string{row(name).path}}, problems_};
        if (value->kind == Node::Kind::map || value->kind == Node::Kind::nothing) {
            read(section);
        }
    }
}

void Section::each_item(std::string_view name, const Read& read) {
    const auto items = list_of(row(name), name).value_or(std::vector<const Node*>{});
    for (std::size_t i = 0; i < items.size(); ++i) {
        const std::string schema = fmt::format("{}[]", row(name).path);
        Section section{*items[i], {fmt::format("{}[{}]", full_path(name), i), schema}, problems_};
        read(section);
    }
}

void Section::each_entry(std::string_view name, const ReadNamed& read) {
    const Node* value = find(name);
    if (value == nullptr) {
        return;
    }
    if (value->entries.empty()) {
        problems_.add(
            value->place,
            full_path(name),
            fmt::format("needs at least one entry; allowed: {}", allowed_values(row(name)))
        );
    }
    std::set<std::string_view> seen;
    for (const Entry& entry : value->entries) {
        const std::string path = join(full_path(name), escape(entry.key));
        if (!seen.insert(entry.key).second) {
            problems_.add(entry.place, path, "stands here a second time; write it once");
            continue;
        }
        const std::string schema = fmt::format("{}.*", row(name).path);
        Section section{entry.value, {path, schema}, problems_};
        read(entry, section);
    }
}

}  // namespace siding::config

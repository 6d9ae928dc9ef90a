// One group of keys while it is read: finds unknown, repeated and missing keys by the schema, and
// hands scalars to the functions of values.hpp. A wrong value leaves the target as it was, so that
// reading goes on and every error is found.
#pragma once

#include "config/problems.hpp"
#include "config/schema.hpp"
#include "config/tree.hpp"

#include <algorithm>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace siding::config {

// `path` is for people ("listeners[0]"), `schema` finds the row ("listeners[]").
struct SectionPath {
    std::string path;
    std::string schema;
};

class Section {
public:
    // `node` and `problems` outlive the section.
    Section(const Node& node, SectionPath where, Problems& problems);

    template <typename Target, typename Parse>
    void read(std::string_view name, Target& target, Parse parse) {
        const Key& key = row(name);
        const Node* value = find(name);
        if (value == nullptr || !check_scalar(key, *value)) {
            return;
        }
        auto parsed = parse(key, std::string_view{value->text});
        if (parsed.has_error()) {
            problems_.add(value->place, full_path(name), parsed.error().context);
            return;
        }
        target = static_cast<Target>(std::move(*parsed));
    }

    // The scalars of a list, or a single scalar for a list of one. Where an element may not come
    // twice, one that does is an error.
    template <typename Element, typename Parse>
    void read_list(std::string_view name, std::vector<Element>& target, Parse parse) {
        const Key& key = row(name);
        const auto values = list_of(key, name);
        if (!values) {
            return;
        }
        std::vector<Element> elements;
        for (const Node* value : *values) {
            if (!check_scalar(key, *value)) {
                continue;
            }
            auto parsed = parse(key, std::string_view{value->text});
            if (parsed.has_error()) {
                problems_.add(value->place, full_path(name), parsed.error().context);
            } else if (key.type != KeyType::durations && std::ranges::find(elements, *parsed) != elements.end()) {
                add_repeated(value->place, name, value->text);
            } else {
                elements.push_back(std::move(*parsed));
            }
        }
        target = std::move(elements);
    }

    using Read = std::function<void(Section&)>;
    using ReadNamed = std::function<void(const Entry&, Section&)>;

    void group(std::string_view name, const Read& read);

    // One word, or keys below it.
    template <typename Target, typename Parse>
    void read_or_group(std::string_view name, Target& target, Parse parse, const Read& read_group) {
        const Node* value = find(name);
        if (value != nullptr && value->kind == Node::Kind::scalar) {
            read(name, target, parse);
        } else {
            group(name, read_group);
        }
    }

    void each_item(std::string_view name, const Read& read);
    void each_entry(std::string_view name, const ReadNamed& read);

    const std::string& path() const { return where_.path; }
    bool has(std::string_view name) const { return find(name) != nullptr; }
    bool is_empty() const { return node_.entries.empty(); }

    // A mistake that lies in more than one value, shown at the section or at one of its keys.
    void add_problem(std::string what);
    void add_problem(std::string_view name, std::string what);

private:
    const Key& row(std::string_view name) const;
    const Node* find(std::string_view name) const;
    std::string full_path(std::string_view name) const;
    bool check_scalar(const Key& key, const Node& value);
    // Nothing where the key is missing or its value is no list.
    std::optional<std::vector<const Node*>> list_of(const Key& key, std::string_view name);
    void add_repeated(Place place, std::string_view name, std::string_view text);
    void check_repeated();
    void check_known();
    void check_required();

    const Node& node_;
    SectionPath where_;
    Problems& problems_;
};

}  // namespace siding::config

#include "config/reference.hpp"

#include "config/schema.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>

namespace siding::config {
namespace {

constexpr std::string_view minimal = R"(hostname: hold.example.net
data_dir: /var/lib/siding
listeners:
  - address: "[::]:25"
servers:
  old: { address: "mail.old.example:25" }
  new: { address: "mail.new.example:25" }
domains:
  example.com: { phase: hold }
)";

constexpr std::string_view reference_head = R"(# Configuration

One YAML file, given by `sidingd --config FILE`. The least there is:

```yaml
{}```

`siding config check FILE` reports every error at once, each with line, column, key and what is
allowed, and looks whether every file that is named can be read. An unknown key is an error; nothing
is guessed and nothing is ignored. A commented file with every key is installed as
`/usr/share/doc/siding/examples/siding.example.yaml`.

Sizes carry a unit (`B`, `KiB`, `MiB`, `GiB`, `TiB`), and so do durations (`ms`, `s`, `m`, `h`, `d`).
A list of one may be written without its brackets. A path that is not absolute starts at the
directory of the configuration, save for `data_dir`, `backfill.socket` and the keys of `control`,
which are absolute.
Aliases and anchors are not read. SIGHUP (`systemctl reload siding`) reads the file again; with an
error in it, the daemon keeps what it has. The last column says what a reload does with a changed key:

- **live**: counts from the next connection, transaction or attempt on;
- **restart**: the running daemon keeps the old value and says so in the log;
- **first start**: read once, when the queue first hears of the domain.

`*` stands for a name that you choose, `[]` for each entry of a list.

| key | allowed | default | reload | meaning |
|---|---|---|---|---|
)";

std::string_view format_reload(Reload reload) {
    constexpr std::array<std::string_view, 3> words{"live", "restart", "first start"};
    return words.at(static_cast<std::size_t>(reload));
}

std::string format_default(const Key& key) {
    if (key.required) {
        return "required";
    }
    return key.fallback.empty() ? "–" : fmt::format("`{}`", key.fallback);
}

// --- the example file ----------------------------------------------------------------------------

// Where in the file a key is written.
struct Spot {
    std::string indent;
    std::size_t instance = 0;  // of a map's entries; the first one shows every key
    bool commented = false;    // below a key that is

    Spot deeper() const { return {indent + "  ", instance, commented}; }
};

bool has_children(const Key& key) {
    using enum KeyType;
    return key.type == group || key.type == map || key.type == list || key.type == choice_or_group;
}

bool is_list(const Key& key) {
    const auto value = key.fallback.empty() ? key.example : key.fallback;
    return value.starts_with('[') && value.ends_with(']');
}

// Text as comment lines within the width of the file.
void add_comment(std::string& out, std::string_view indent, std::string_view text) {
    constexpr std::size_t width = 100;
    while (!text.empty()) {
        const std::size_t room = width - indent.size() - 2;
        auto cut = text.size() <= room ? text.size() : text.rfind(' ', room);
        out += fmt::format("{}# {}\n", indent, text.substr(0, cut));
        text.remove_prefix(std::min(text.size(), cut + 1));
    }
}

std::string quoted(const Key& key, std::string_view value) {
    const bool plain = is_list(key) || value.find_first_of("[:") == std::string_view::npos;
    return plain ? std::string{value} : fmt::format("\"{}\"", value);
}

void add_key(std::string& out, const Key& key, Spot spot);

void add_children(std::string& out, std::string_view path, const Spot& spot) {
    for (const Key* child : children_of(path)) {
        add_key(out, *child, spot);
    }
}

void add_scalar(std::string& out, const Key& key, const Spot& spot) {
    if (spot.instance == 0) {
        add_comment(out, spot.indent, fmt::format("{} Allowed: {}.", key.doc, allowed_values(key)));
    }
    const auto examples = split_choices(key.example);
    const auto example = examples.at(std::min(spot.instance, examples.size() - 1));
    const auto value = key.fallback.empty() ? example : key.fallback;
    if (key.required || spot.instance == 0) {
        const std::string_view mark = key.required && !spot.commented ? "" : "#";
        out += fmt::format("{}{}{}: {}\n", spot.indent, mark, leaf_of(key), quoted(key, value));
    }
}

void add_map(std::string& out, const Key& key, Spot spot, std::string_view mark) {
    const auto names = split_choices(key.example);
    for (std::size_t i = 0; i < names.size(); ++i) {
        out += fmt::format("{}{}{}:\n", spot.indent, mark, names[i]);
        spot.instance = i;
        add_children(out, fmt::format("{}.*", key.path), spot.deeper());
    }
}

void add_key(std::string& out, const Key& key, Spot spot) {
    if (spot.indent.empty()) {
        out += "\n";
    }
    if (!has_children(key)) {
        add_scalar(out, key, spot);
        return;
    }
    if (spot.instance > 0 && !key.required) {
        return;
    }
    spot.commented = spot.commented || key.optional;
    const std::string_view mark = spot.commented ? "#" : "";
    add_comment(out, spot.indent, key.doc);
    out += fmt::format("{}{}{}:\n", spot.indent, mark, leaf_of(key));
    spot = spot.deeper();
    if (key.type == KeyType::list) {
        out += fmt::format("{}{}-\n", spot.indent, mark);
        add_children(out, fmt::format("{}[]", key.path), spot.deeper());
    } else if (key.type == KeyType::map) {
        add_map(out, key, spot, mark);
    } else {
        add_children(out, key.path, spot);
    }
}

}  // namespace

std::string minimal_example() {
    return std::string{minimal};
}

std::string format_reference() {
    std::string out = fmt::format(reference_head, minimal);
    for (const Key& key : keys()) {
        out += fmt::format(
            "| `{}` | {} | {} | {} | {} |\n",
            key.path,
            allowed_values(key),
            format_default(key),
            format_reload(key.reload),
            key.doc
        );
    }
    return out;
}

std::string format_example() {
    std::string out;
    add_comment(
        out,
        "",
        "Siding's configuration: every key there is. A line that starts with '# ' explains; "
        "'#key:' "
        "without a space shows a key that need not be set, with its default or an example: take "
        "the "
        "# away to change it. Check the file with: siding config check FILE"
    );
    add_children(out, "", {});
    return out;
}

}  // namespace siding::config

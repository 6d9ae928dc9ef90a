#include "backfill/folder_plan.hpp"
#include "backfill/limits.hpp"
#include "base/bytes.hpp"
#include "config/tree.hpp"
#include "config/units.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <set>

namespace siding::backfill {
namespace {

using Row = FolderPlan::Row;
using config::Entry;
using config::Node;
using config::Problems;

constexpr std::string_view head =
    R"(# What goes where. Each folder of the source is one entry: `action` is copy, create (and copy) or
# skip, `destination` the name that it has there. Both may be changed, and so may `subscribe`.
# `messages`, `octets`, `why` and `notes` are for people. `rest: true` copies only what is in no
# other folder of the source.
)";

// In the order of the enum.
constexpr std::array<std::string_view, 3> action_words{"copy", "create", "skip"};

// A double-quoted scalar of YAML 1.2 (§7.3.1).
std::string quoted(std::string_view text) {
    std::string out = "\"";
    for (std::size_t at = 0; at < text.size(); ++at) {
        const char c = text[at];
        const auto octet = static_cast<unsigned char>(c);
        const std::string_view three = text.substr(at, 3);
        if (c == '"' || c == '\\') {
            out += {'\\', c};
        } else if (octet < ' ' || octet == 0x7f) {
            out += fmt::format("\\x{:02x}", octet);
        } else if (octet == 0xc2 && at + 1 < text.size() && static_cast<unsigned char>(text[at + 1]) < 0xa0) {
            out += fmt::format("\\x{:02x}", static_cast<unsigned char>(text[++at]));
        } else if (three == "\xe2\x80\xa8" || three == "\xe2\x80\xa9") {  // line ends to YAML
            out += three == "\xe2\x80\xa8" ? "\\u2028" : "\\u2029";
            at += 2;
        } else if (three == "\xef\xbb\xbf") {  // byte order mark
            out += "\\ufeff";
            at += 2;
        } else {
            out.push_back(c);
        }
    }
    return out + "\"";
}

std::string format_row(const Row& row) {
    std::string out = fmt::format("  - source: {}\n", quoted(row.source));
    if (!row.destination.empty()) {
        out += fmt::format("    destination: {}\n", quoted(row.destination));
    }
    out += fmt::format("    action: {}\n", format_action(row.action));
    if (row.is_rest) {
        out += "    rest: true\n";
    }
    if (row.special_use != SpecialUse::none) {
        out += fmt::format("    special_use: {}\n", quoted(attribute_of(row.special_use)));
    }
    if (row.subscribe) {
        out += "    subscribe: true\n";
    }
    out += fmt::format("    messages: {}\n    octets: {}\n", row.messages, row.octets);
    if (!row.why.empty()) {
        out += fmt::format("    why: {}\n", quoted(row.why));
    }
    return out;
}

class Reader {
public:
    explicit Reader(const std::string& file_name) : problems_{file_name} {}

    Result<FolderPlan> read(std::string_view text) {
        const auto tree = config::parse_yaml(text, problems_);
        FolderPlan plan;
        if (tree) {
            read_plan(*tree, plan);
        }
        if (!problems_.empty()) {
            return Error{Errc::invalid_argument, problems_.take().text()};
        }
        return plan;
    }

private:
    void read_plan(const Node& root, FolderPlan& plan);
    void read_folders(const Node& list, FolderPlan& plan);
    Row read_row(const Node& node);
    void read_key(const Entry& entry, Row& row, bool& has_action);
    std::string read_text(const Entry& entry);
    std::uint64_t read_count(const Entry& entry);
    bool read_flag(const Entry& entry);

    void add(config::Place place, std::string_view key, std::string what) {
        problems_.add(place, key, std::move(what));
    }

    Problems problems_;
    std::set<std::string> sources_;
};

std::string Reader::read_text(const Entry& entry) {
    const bool is_control = std::ranges::any_of(entry.value.text, [](char c) {
        return c == '\0' || c == '\r' || c == '\n';
    });
    if (entry.value.kind != Node::Kind::scalar) {
        add(entry.value.place, entry.key, "must be a text");
    } else if (is_control && entry.key == "destination") {
        add(entry.value.place, entry.key, "has a line end or a NUL in it");
    }
    return entry.value.text;
}

std::uint64_t Reader::read_count(const Entry& entry) {
    const auto count = config::parse_count(read_text(entry));
    if (!count) {
        add(entry.value.place, entry.key, "must be a number");
    }
    return count ? *count : 0;
}

bool Reader::read_flag(const Entry& entry) {
    const std::string word = read_text(entry);
    if (word != "true" && word != "false") {
        add(entry.value.place, entry.key, "must be true or false");
    }
    return word == "true";
}

void Reader::read_key(const Entry& entry, Row& row, bool& has_action) {
    const std::string& key = entry.key;
    if (key == "source") {
        row.source = read_text(entry);
    } else if (key == "destination") {
        row.destination = read_text(entry);
    } else if (key == "action") {
        const auto found = std::ranges::find(action_words, read_text(entry));
        has_action = found != action_words.end();
        if (!has_action) {
            add(entry.value.place, key, "must be copy, create or skip");
            return;
        }
        row.action = static_cast<Row::Action>(found - action_words.begin());
    } else if (key == "rest") {
        row.is_rest = read_flag(entry);
    } else if (key == "subscribe") {
        row.subscribe = read_flag(entry);
    } else if (key == "special_use") {
        row.special_use = special_use_of_attribute(read_text(entry));
        if (row.special_use == SpecialUse::none) {
            add(entry.value.place, key, "is no attribute of RFC 6154, such as \\Sent");
        }
    } else if (key == "messages") {
        row.messages = read_count(entry);
    } else if (key == "octets") {
        row.octets = read_count(entry);
    } else if (key == "why") {
        row.why = read_text(entry);
    } else {
        add(entry.place,
            key,
            "unknown key; allowed: source, destination, action, rest, special_use, subscribe, "
            "messages, octets, why");
    }
}

Row Reader::read_row(const Node& node) {
    Row row;
    bool has_action = false;
    std::set<std::string_view> seen;
    for (const Entry& entry : node.entries) {
        if (seen.insert(entry.key).second) {
            read_key(entry, row, has_action);
        } else {
            add(entry.place, entry.key, "stands here a second time; write it once");
        }
    }
    if (row.source.empty()) {
        add(node.place, "source", "is missing");
    } else if (!sources_.insert(row.source).second) {
        add(node.place, "source", fmt::format("'{}' has an entry already", escape(row.source)));
    }
    if (!has_action && !seen.contains("action")) {
        add(node.place, "action", "is missing; allowed: copy, create or skip");
    }
    if (row.action != Row::Action::skip && row.destination.empty()) {
        add(node.place, "destination", "is missing; only what is skipped has none");
    }
    return row;
}

void Reader::read_folders(const Node& list, FolderPlan& plan) {
    if (list.kind != Node::Kind::list && list.kind != Node::Kind::nothing) {
        add(list.place, "folders", "must be a list");
        return;
    }
    for (const Node& item : list.items) {
        if (item.kind == Node::Kind::map) {
            plan.rows.push_back(read_row(item));
        } else {
            add(item.place, "folders", "must be entries with source, destination and action");
        }
    }
}

void Reader::read_plan(const Node& root, FolderPlan& plan) {
    if (root.kind != Node::Kind::map) {
        add(root.place, "", "this is no folder plan: the keys account and folders are expected");
        return;
    }
    std::set<std::string_view> seen;
    for (const Entry& entry : root.entries) {
        if (!seen.insert(entry.key).second) {
            add(entry.place, entry.key, "stands here a second time; write it once");
        } else if (entry.key == "account") {
            plan.account = read_text(entry);
        } else if (entry.key == "folders") {
            read_folders(entry.value, plan);
        } else if (entry.key == "notes") {
            for (const Node& note : entry.value.items) {
                plan.notes.push_back(note.text);
            }
        } else {
            add(entry.place, entry.key, "unknown key; allowed: account, folders, notes");
        }
    }
    if (!seen.contains("folders")) {
        add(root.place, "folders", "is missing");
    }
}

}  // namespace

std::string_view format_action(FolderPlan::Row::Action action) {
    return action_words.at(static_cast<std::size_t>(action));
}

std::string format_plan(const FolderPlan& plan) {
    std::string out{head};
    out += fmt::format("account: {}\n", quoted(plan.account));
    out += plan.rows.empty() ? "folders: []\n" : "folders:\n";
    for (const Row& row : plan.rows) {
        out += format_row(row);
    }
    if (!plan.notes.empty()) {
        out += "notes:\n";
        for (const std::string& note : plan.notes) {
            out += fmt::format("  - {}\n", quoted(note));
        }
    }
    return out;
}

Result<FolderPlan> parse_plan(std::string_view text, const std::string& file_name) {
    if (text.size() > limits::folder_plan_octets_max) {
        return Error{Errc::limit_exceeded, file_name + " is larger than 64MiB"};
    }
    return Reader{file_name}.read(text);
}

}  // namespace siding::backfill

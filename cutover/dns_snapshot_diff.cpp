// Two snapshots side by side.
#include "cutover/dns_snapshot.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <iterator>
#include <set>

namespace siding::cutover {
namespace {

const SnapshotRecord* find(
    const DnsSnapshot& snapshot, const std::string& name, const std::string& type
) {
    const auto found = std::ranges::find_if(snapshot.records, [&](const SnapshotRecord& record) {
        return record.name == name && record.type == type;
    });
    return found == snapshot.records.end() ? nullptr : &*found;
}

std::string joined(const std::vector<std::string>& texts) {
    std::string text;
    for (const std::string& one : texts) {
        text += (text.empty() ? "" : ", ") + one;
    }
    return text;
}

bool is_uniform(const SnapshotRecord& record) {
    return record.answers.size() == 1;
}

// Records that are in one and not in the other, from all servers together.
std::vector<std::string> data_of(const SnapshotRecord& record) {
    std::set<std::string> data;
    for (const SnapshotAnswer& answer : record.answers) {
        data.insert(answer.data.begin(), answer.data.end());
    }
    return {data.begin(), data.end()};
}

void add_sets(
    const SnapshotRecord& before, const SnapshotRecord& after, std::vector<std::string>& lines
) {
    const auto old_data = data_of(before);
    const auto new_data = data_of(after);
    std::vector<std::string> gone;
    std::vector<std::string> come;
    std::ranges::set_difference(old_data, new_data, std::back_inserter(gone));
    std::ranges::set_difference(new_data, old_data, std::back_inserter(come));
    for (const std::string& one : gone) {
        lines.push_back("- " + one);
    }
    for (const std::string& one : come) {
        lines.push_back("+ " + one);
    }
}

// Who says what, where it is not the same everywhere.
void add_servers(const SnapshotRecord& record, const char* when, std::vector<std::string>& lines) {
    for (const SnapshotAnswer& answer : record.answers) {
        lines.push_back(fmt::format(
            "{} {}: {}, ttl {}",
            when,
            joined(answer.servers),
            answer.data.empty() ? "none" : joined(answer.data),
            answer.ttl.count()
        ));
    }
}

SnapshotChange compare(const SnapshotRecord& before, const SnapshotRecord& after) {
    SnapshotChange change{after.name, after.type, {}};
    add_sets(before, after, change.lines);
    const bool are_uniform = is_uniform(before) && is_uniform(after);
    const bool is_cached = before.is_cached || after.is_cached;
    if (are_uniform) {
        const auto old_ttl = before.answers.front().ttl;
        const auto new_ttl = after.answers.front().ttl;
        const bool are_there = !before.is_absent() && !after.is_absent();
        if (!is_cached && are_there && old_ttl != new_ttl) {
            change.lines.push_back(fmt::format("ttl {} → {}", old_ttl.count(), new_ttl.count()));
        }
        return change;
    }
    const auto same_answers = [](const SnapshotRecord& one, const SnapshotRecord& other) {
        return std::ranges::is_permutation(one.answers, other.answers);
    };
    if (!same_answers(before, after)) {
        if (!is_uniform(before)) {
            add_servers(before, "before", change.lines);
        }
        if (!is_uniform(after)) {
            add_servers(after, "now", change.lines);
        }
        if (is_uniform(after) && change.lines.empty()) {
            change.lines.push_back("now the same on all servers");
        }
    }
    return change;
}

// A CNAME at the name answers every question, so that others were not recorded.
bool has_alias(const DnsSnapshot& snapshot, const std::string& name) {
    const SnapshotRecord* const alias = find(snapshot, name, "CNAME");
    return alias != nullptr && !alias->is_absent();
}

bool was_asked(const DnsSnapshot& snapshot, const SnapshotRecord& record) {
    if (record.type == "CNAME") {
        return std::ranges::any_of(snapshot.records, [&](const SnapshotRecord& other) {
            return other.name == record.name;
        });
    }
    return record.type == "POLICY" || has_alias(snapshot, record.name);
}

void add_notes(const DnsSnapshot& before, const DnsSnapshot& after, SnapshotDiff& diff) {
    for (const SnapshotServer& server : after.servers) {
        const auto old = std::ranges::find(before.servers, server.name, &SnapshotServer::name);
        if (old != before.servers.end() && old->serial != server.serial && old->problem.empty() &&
            server.problem.empty()) {
            diff.notes.push_back(
                fmt::format("{}: serial {} → {}", server.name, old->serial, server.serial)
            );
        }
        if (!server.problem.empty()) {
            diff.notes.push_back(fmt::format("{} was not asked: {}", server.name, server.problem));
        }
    }
    for (const std::string& gap : after.gaps) {
        diff.notes.push_back("nobody answered for " + gap);
    }
}

}  // namespace

SnapshotDiff compare_snapshots(const DnsSnapshot& before, const DnsSnapshot& after) {
    SnapshotDiff diff;
    const auto compare_one = [&diff](const SnapshotRecord& was, const SnapshotRecord& is) {
        SnapshotChange change = compare(was, is);
        if (!change.lines.empty()) {
            diff.changes.push_back(std::move(change));
        }
    };
    const auto nothing_like = [](const SnapshotRecord& record) {
        return SnapshotRecord{record.name, record.type, {SnapshotAnswer{}}, record.is_cached};
    };
    for (const SnapshotRecord& was : before.records) {
        if (const SnapshotRecord* const is = find(after, was.name, was.type)) {
            compare_one(was, *is);
        } else if (was_asked(after, was)) {
            compare_one(was, nothing_like(was));
        } else if (!was.is_absent()) {
            diff.notes.push_back(was.name + " " + was.type + " was asked for the first time only");
        }
    }
    for (const SnapshotRecord& is : after.records) {
        if (find(before, is.name, is.type) != nullptr) {
            continue;
        }
        if (was_asked(before, is)) {
            compare_one(nothing_like(is), is);
        } else if (!is.is_absent()) {
            diff.notes.push_back(is.name + " " + is.type + " was asked for the second time only");
        }
    }
    add_notes(before, after, diff);
    return diff;
}

}  // namespace siding::cutover

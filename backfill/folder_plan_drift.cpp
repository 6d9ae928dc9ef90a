#include "backfill/folder_plan.hpp"
#include "base/bytes.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <set>

namespace siding::backfill {
namespace {

using Row = FolderPlan::Row;
using Action = FolderPlan::Row::Action;

std::map<std::string, const Row*> by_source(const FolderPlan& plan) {
    std::map<std::string, const Row*> rows;
    for (const Row& row : plan.rows) {
        rows.emplace(row.source, &row);
    }
    return rows;
}

std::string where(const Row& row) {
    return row.action == Action::skip ? "is skipped"
                                      : fmt::format("goes to '{}'", escape(row.destination));
}

// As the folders are today; what is not known of a destination stays.
Row follow(const Row& reviewed, const Row& fresh, const std::set<std::string>& there) {
    Row row = reviewed;
    row.messages = fresh.messages;
    row.octets = fresh.octets;
    const bool is_same = reviewed.destination == fresh.destination;
    if (row.action == Action::skip) {
        return row;
    }
    if (is_same && fresh.action != Action::skip) {
        row.action = fresh.action;
    } else if (there.contains(row.destination)) {
        row.action = Action::copy;
    }
    return row;
}

}  // namespace

std::vector<std::string> drift(const FolderPlan& plan, const FolderPlan& fresh) {
    std::vector<std::string> lines;
    const auto before = by_source(plan);
    const auto now = by_source(fresh);
    for (const Row& row : fresh.rows) {
        const auto found = before.find(row.source);
        const std::string name = escape(row.source);
        if (found == before.end()) {
            lines.push_back(fmt::format("'{}' is new and {}", name, where(row)));
            continue;
        }
        const Row& old = *found->second;
        if (where(old) != where(row)) {
            lines.push_back(
                fmt::format("'{}' {} by the plan; without it, it {}", name, where(old), where(row))
            );
        } else if (old.action == Action::copy && row.action == Action::create_and_copy) {
            lines.push_back(fmt::format(
                "'{}' {}, which is no longer there and will be created", name, where(row)
            ));
        }
    }
    for (const Row& row : plan.rows) {
        if (!now.contains(row.source)) {
            lines.push_back(fmt::format("'{}' is no longer at the source", escape(row.source)));
        }
    }
    return lines;
}

FolderPlan follow_plan(const FolderPlan& reviewed, const FolderPlan& fresh) {
    FolderPlan plan;
    plan.account = fresh.account;
    plan.notes = fresh.notes;
    const auto before = by_source(reviewed);
    const auto now = by_source(fresh);
    std::set<std::string> there;
    for (const Row& row : fresh.rows) {
        if (row.action == Action::copy) {
            there.insert(row.destination);
        }
    }
    std::set<std::string> taken;
    for (const Row& row : reviewed.rows) {
        if (const auto found = now.find(row.source); found != now.end()) {
            plan.rows.push_back(follow(row, *found->second, there));
            taken.insert(fold_case(row.destination));
        }
    }
    for (const Row& row : fresh.rows) {
        if (before.contains(row.source)) {
            continue;
        }
        Row added = row;
        for (int number = 2;
             added.action != Action::skip && !taken.insert(fold_case(added.destination)).second;
             ++number) {
            added.destination = fmt::format("{}-{}", row.destination, number);
            added.action = Action::create_and_copy;
            added.why = "another folder has that name there";
        }
        plan.rows.push_back(std::move(added));
    }
    return plan;
}

std::map<std::string, std::string> reverse_names(const FolderPlan& plan) {
    std::map<std::string, std::string> names;
    for (const Row& row : plan.rows) {
        if (row.action != Action::skip) {
            names.emplace(row.destination, row.source);
        }
    }
    return names;
}

}  // namespace siding::backfill

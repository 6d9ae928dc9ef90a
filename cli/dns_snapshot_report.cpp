#include "cli/dns_snapshot_report.hpp"

#include "base/bytes.hpp"
#include "cli/table.hpp"

#include <boost/json/array.hpp>

#include <fmt/ostream.h>

namespace siding::cli {
namespace {

namespace json = boost::json;

std::string joined(const std::vector<std::string>& texts) {
    std::string text;
    for (const std::string& one : texts) {
        text += (text.empty() ? "" : ", ") + one;
    }
    return text;
}

std::string shown_time(WallTime time) {
    std::string text = format_time(time).substr(0, 19);
    text[10] = ' ';
    return text + " UTC";
}

void add_rows(const cutover::SnapshotRecord& record, Table& table) {
    const bool is_uneven = record.answers.size() > 1;
    for (const cutover::SnapshotAnswer& answer : record.answers) {
        const std::string ttl = record.is_cached ? "" : fmt::format("{}", answer.ttl.count());
        const std::string who = is_uneven ? "   (" + joined(answer.servers) + ")" : "";
        const Colour colour = is_uneven ? Colour::yellow : Colour::none;
        if (answer.data.empty() && is_uneven) {
            table.add({record.name, record.type, "", Cell{"none" + who, colour}});
        }
        for (const std::string& data : answer.data) {
            table.add({record.name, record.type, ttl, Cell{data + who, colour}});
        }
    }
}

json::array array_of(const std::vector<std::string>& texts) {
    json::array array;
    for (const std::string& text : texts) {
        array.emplace_back(text);
    }
    return array;
}

}  // namespace

void print_snapshot(const cutover::DnsSnapshot& snapshot, const Terminal& terminal) {
    fmt::print(
        terminal.out,
        "{}, zone {}, {}\n\n",
        escape(snapshot.domain),
        escape(snapshot.zone),
        shown_time(snapshot.at)
    );
    Table servers{{{"SERVER"}, {"SERIAL", Align::right}, {"", Align::left, 20, true}}};
    for (const cutover::SnapshotServer& server : snapshot.servers) {
        servers.add(
            {server.name,
             server.problem.empty() ? std::to_string(server.serial) : "",
             Cell{server.problem, Colour::yellow}}
        );
    }
    servers.print(terminal);
    Table records{{{"NAME"}, {"TYPE"}, {"TTL", Align::right}, {"DATA", Align::left, 30, true}}};
    std::vector<std::string> absent;
    for (const cutover::SnapshotRecord& record : snapshot.records) {
        if (record.is_absent()) {
            absent.push_back(record.name + " " + record.type);
        } else {
            add_rows(record, records);
        }
    }
    terminal.out << "\n";
    records.print(terminal);
    if (!absent.empty()) {
        fmt::print(terminal.out, "\nNot there: {}\n", escape(joined(absent), 8000));
    }
    if (!snapshot.gaps.empty()) {
        fmt::print(
            terminal.out,
            "{}\n",
            terminal.paint(
                "Nobody answered for: " + escape(joined(snapshot.gaps), 8000), Colour::yellow
            )
        );
    }
}

void print_snapshot_diff(
    const cutover::SnapshotDiff& diff,
    const cutover::DnsSnapshot& before,
    const cutover::DnsSnapshot& after,
    const Terminal& terminal
) {
    fmt::print(
        terminal.out,
        "{}, from {} to {}\n",
        escape(after.domain),
        shown_time(before.at),
        shown_time(after.at)
    );
    Table table{{{"NAME"}, {"TYPE"}, {"CHANGE", Align::left, 30, true}}};
    for (const cutover::SnapshotChange& change : diff.changes) {
        for (const std::string& line : change.lines) {
            const Colour colour = line.starts_with("- ")   ? Colour::red
                                  : line.starts_with("+ ") ? Colour::green
                                                           : Colour::yellow;
            table.add({change.name, change.type, Cell{line, colour}});
        }
    }
    if (table.empty()) {
        terminal.out << "The records are the same.\n";
    } else {
        terminal.out << "\n";
        table.print(terminal);
    }
    for (const std::string& note : diff.notes) {
        fmt::print(terminal.out, "{}\n", terminal.paint("note: " + escape(note), Colour::dim));
    }
}

json::object snapshot_diff_json(const cutover::SnapshotDiff& diff) {
    json::array changes;
    for (const cutover::SnapshotChange& change : diff.changes) {
        changes.push_back(json::object{
            {"name", change.name}, {"type", change.type}, {"lines", array_of(change.lines)}});
    }
    return {
        {"same", diff.changes.empty()},
        {"changes", std::move(changes)},
        {"notes", array_of(diff.notes)},
    };
}

}  // namespace siding::cli

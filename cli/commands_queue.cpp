#include "base/bytes.hpp"
#include "base/limits.hpp"
#include "cli/commands.hpp"
#include "cli/document.hpp"
#include "cli/quantities.hpp"
#include "cli/queue_source.hpp"
#include "cli/table.hpp"

#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include <algorithm>
#include <fmt/ostream.h>
#include <map>
#include <vector>

namespace siding::cli {
namespace {

namespace json = boost::json;

std::string sender_text(const json::object& row) {
    const std::string sender = text_at(row, "sender");
    return sender.empty() ? "<>" : sender;
}

Colour colour_of(std::string_view state) {
    if (state == "parked") {
        return Colour::yellow;
    }
    return state == "delivered" ? Colour::green : Colour::none;
}

std::string age_text(const json::object& row, WallTime now) {
    const auto received = time_at(row, "received_at");
    return received ? human_duration(std::max(now - *received, std::chrono::milliseconds{0})) : "-";
}

Table make_list_table() {
    return Table{{
        {"ID"},
        {"STATE"},
        {"RECIPIENT", Align::left, 16},
        {"SENDER", Align::left, 12},
        {"SIZE", Align::right},
        {"AGE", Align::right},
    }};
}

void add_row(Table& table, const json::object& row, WallTime now) {
    const std::string state = text_at(row, "state");
    table.add({
        text_at(row, "id"),
        {state, colour_of(state)},
        text_at(row, "recipient"),
        sender_text(row),
        human_size(number_at(row, "size")),
        age_text(row, now),
    });
}

Result<void> print_json_rows(
    QueueSource& source, const queue::Filter& filter, const Terminal& terminal
) {
    return for_each_row(source, filter, [&](const json::object& row) -> Result<void> {
        terminal.out << json::serialize(row) << "\n";
        return {};
    });
}

// A reason that names its recipient would be a group of its own for each.
std::string reason_of(const json::object& row) {
    std::string reason = text_at(row, "last_reply");
    const std::string recipient = to_lower(text_at(row, "recipient"));
    const auto at = recipient.empty() ? std::string::npos : to_lower(reason).find(recipient);
    if (at != std::string::npos) {
        reason.replace(at, recipient.size(), "…");
    }
    return reason.empty() ? "no reason recorded" : reason;
}

struct ParkedGroup {
    std::string reason;
    std::vector<json::object> rows;
};

Result<std::vector<ParkedGroup>> group_parked(QueueSource& source, const queue::Filter& filter) {
    std::map<std::string, std::vector<json::object>> by_reason;
    SIDING_TRY(for_each_row(source, filter, [&](const json::object& row) -> Result<void> {
        by_reason[reason_of(row)].push_back(row);
        return {};
    }));
    std::vector<ParkedGroup> groups;
    for (auto& [reason, rows] : by_reason) {
        groups.push_back({reason, std::move(rows)});
    }
    std::ranges::stable_sort(groups, std::ranges::greater{}, [](const ParkedGroup& group) {
        return group.rows.size();
    });
    return groups;
}

void print_group(const ParkedGroup& group, WallTime now, const Terminal& terminal) {
    const std::string count = counted(group.rows.size(), "recipient");
    const std::string reason = escape(group.reason, 1000);
    const std::size_t room =
        terminal.width > count.size() + 12 ? terminal.width - count.size() - 2 : 1000;
    fmt::print(
        terminal.out,
        "{}  {}\n",
        terminal.paint(count, Colour::bold),
        terminal.paint(fit(reason, room), Colour::yellow)
    );
    Table table{{
        {"ID"},
        {"RECIPIENT", Align::left, 16},
        {"SENDER", Align::left, 12},
        {"SIZE", Align::right},
        {"TRIES", Align::right},
        {"AGE", Align::right},
    }};
    for (const json::object& row : group.rows) {
        table.add({
            text_at(row, "id"),
            text_at(row, "recipient"),
            sender_text(row),
            human_size(number_at(row, "size")),
            human_count(number_at(row, "attempts")),
            age_text(row, now),
        });
    }
    table.print(terminal);
}

}  // namespace

Result<Exit> run(const ListQueue& action, Context& context) {
    SIDING_ASSIGN(const auto source, choose_source(context.api, action.data_dir));
    const Terminal& terminal = context.terminal;
    if (context.json) {
        SIDING_TRY(print_json_rows(*source, action.filter, terminal));
        return Exit::done;
    }
    const WallTime now = context.clock.now();
    Table table = make_list_table();
    std::uint64_t rows = 0;
    std::uint64_t octets = 0;
    SIDING_TRY(for_each_row(*source, action.filter, [&](const json::object& row) -> Result<void> {
        add_row(table, row, now);
        octets += number_at(row, "size");
        // Printed in pages, so that a long queue needs no memory here; the titles come once.
        if (++rows % limits::list_page_rows_max == 0) {
            table.print(terminal);
        }
        return {};
    }));
    table.print(terminal);
    if (rows == 0) {
        terminal.out << "no recipient matches\n";
    } else if (terminal.watched) {
        fmt::print(terminal.out, "{}, {}\n", counted(rows, "recipient"), human_size(octets));
    }
    return Exit::done;
}

Result<Exit> run(const ListParked& action, Context& context) {
    SIDING_ASSIGN(const auto source, choose_source(context.api, action.data_dir));
    const Terminal& terminal = context.terminal;
    if (context.json) {
        SIDING_TRY(print_json_rows(*source, action.filter, terminal));
        return Exit::done;
    }
    SIDING_ASSIGN(const auto groups, group_parked(*source, action.filter));
    if (groups.empty()) {
        terminal.out << "nothing is parked\n";
        return Exit::done;
    }
    for (const ParkedGroup& group : groups) {
        print_group(group, context.clock.now(), terminal);
        terminal.out << "\n";
    }
    terminal.out << "to try again:  siding release --state parked\n"
                    "to give up:    siding queue discard --state parked\n";
    return Exit::done;
}

}  // namespace siding::cli

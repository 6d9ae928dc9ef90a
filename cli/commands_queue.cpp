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

enum class Tags { shown, hidden };

Table make_list_table(Tags tags) {
    std::vector<Column> columns{
        {"ID"},
        {"STATE"},
        {"RECIPIENT", Align::left, 16},
        {"SENDER", Align::left, 12},
        {"SIZE", Align::right},
        {"AGE", Align::right},
    };
    if (tags == Tags::shown) {
        columns.push_back({"TAGS", Align::left, 8});
    }
    return Table{std::move(columns)};
}

std::string tags_text(const json::object& row) {
    std::string out;
    for (const json::value& tag : array_at(row, "tags")) {
        if (tag.is_string()) {
            out += (out.empty() ? "" : " ") + std::string{tag.get_string()};
        }
    }
    return out;
}

void add_row(Table& table, const json::object& row, Tags tags, WallTime now) {
    const std::string state = text_at(row, "state");
    std::vector<Cell> cells{
        text_at(row, "id"),
        {state, colour_of(state)},
        text_at(row, "recipient"),
        sender_text(row),
        human_size(number_at(row, "size")),
        age_text(row, now),
    };
    if (tags == Tags::shown) {
        cells.emplace_back(tags_text(row));
    }
    table.add(std::move(cells));
}

// Prints in pages, so that a long queue needs no memory here. The titles come once, and once more
// where the first tags turn up only on a later page.
class ListPrinter {
public:
    ListPrinter(WallTime now, const Terminal& terminal) : now_{now}, terminal_{terminal} {}

    void add(const json::object& row) {
        rows_.push_back(row);
        if (rows_.size() == limits::list_page_rows_max) {
            print();
        }
    }

    void print() {
        const bool has_tags = std::ranges::any_of(rows_, [](const json::object& row) {
            return !array_at(row, "tags").empty();
        });
        if (has_tags && tags_ == Tags::hidden) {
            tags_ = Tags::shown;
            table_ = make_list_table(tags_);
        }
        for (const json::object& row : rows_) {
            add_row(table_, row, tags_, now_);
        }
        table_.print(terminal_);
        rows_.clear();
    }

private:
    WallTime now_;
    const Terminal& terminal_;
    Tags tags_ = Tags::hidden;
    Table table_ = make_list_table(Tags::hidden);
    std::vector<json::object> rows_;
};

Result<void> print_json_rows(
    QueueSource& source, const queue::Filter& filter, const Terminal& terminal
) {
    return for_each_row(source, filter, [&](const json::object& row) -> Result<void> {
        terminal.out << json::serialize(row) << "\n";
        return {};
    });
}

}  // namespace

Result<Exit> run(const ListQueue& action, Context& context) {
    SIDING_ASSIGN(const auto source, choose_source(context.api, action.data_dir));
    const Terminal& terminal = context.terminal;
    if (context.json) {
        SIDING_TRY(print_json_rows(*source, action.filter, terminal));
        return Exit::done;
    }
    ListPrinter printer{context.clock.now(), terminal};
    std::uint64_t rows = 0;
    std::uint64_t octets = 0;
    SIDING_TRY(for_each_row(*source, action.filter, [&](const json::object& row) -> Result<void> {
        printer.add(row);
        ++rows;
        octets += number_at(row, "size");
        return {};
    }));
    printer.print();
    if (rows == 0) {
        terminal.out << "no recipient matches\n";
    } else if (terminal.watched) {
        fmt::print(terminal.out, "{}, {}\n", counted(rows, "recipient"), human_size(octets));
    }
    return Exit::done;
}

}  // namespace siding::cli

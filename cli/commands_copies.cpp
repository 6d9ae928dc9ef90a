#include "base/bytes.hpp"
#include "cli/commands.hpp"
#include "cli/document.hpp"
#include "cli/filter_query.hpp"
#include "cli/quantities.hpp"
#include "cli/table.hpp"

#include <boost/json/value.hpp>

#include <fmt/ostream.h>

namespace siding::cli {
namespace {

namespace json = boost::json;

std::string answer_text(const json::object& answer) {
    const std::string kind = text_at(answer, "kind");
    const std::string server = text_at(answer, "server");
    const std::string said = text_at(answer, "reply");
    if (kind.empty()) {
        return "no answer yet";
    }
    return server + ": " + (said.empty() ? kind : said);
}

void print_counts(const json::object& report, const Terminal& terminal) {
    const auto differ = number_at(report, "differ");
    fmt::print(
        terminal.out,
        "{} with a copy, {}: both servers agree on {}, differ on {}, {} without both answers\n",
        counted(number_at(report, "messages"), "message"),
        counted(number_at(report, "recipients"), "recipient"),
        human_count(number_at(report, "agree")),
        terminal.paint(human_count(differ), differ > 0 ? Colour::yellow : Colour::none),
        human_count(number_at(report, "waiting"))
    );
}

void print_differences(const json::array& differences, const Terminal& terminal) {
    for (const json::value& value : differences) {
        if (!value.is_object()) {
            continue;
        }
        const json::object& row = value.get_object();
        const bool of_copy = text_at(row, "how") == "copy_refused";
        fmt::print(
            terminal.out,
            "  {}: {} took it, {} refused it as {}\n",
            counted(number_at(row, "recipients"), "recipient"),
            of_copy ? "the first server" : "the copy's server",
            of_copy ? "the copy's" : "the first",
            escape(text_at(row, "cause"))
        );
    }
}

}  // namespace

Result<Exit> run(const CompareCopies& action, Context& context) {
    net::HttpQuery query = filter_query(action.filter);
    query["show"] = action.show;
    SIDING_ASSIGN(const Document report, context.api.get("/v1/copies", std::move(query)));
    const Terminal& terminal = context.terminal;
    const Exit outcome = number_at(report.value, "differ") == 0 ? Exit::done : Exit::no;
    if (context.json) {
        terminal.out << report.text << "\n";
        return outcome;
    }
    if (number_at(report.value, "recipients") == 0) {
        terminal.out << "no message has a copy; a phase with --copy makes them\n";
        return Exit::done;
    }
    print_counts(report.value, terminal);
    print_differences(array_at(report.value, "differences"), terminal);
    Table table{{
        {"MESSAGE"},
        {"RECIPIENT", Align::left, 16},
        {"FIRST", Align::left, 16},
        {"COPY", Align::left, 16, true},
    }};
    for (const json::value& value : array_at(report.value, "rows")) {
        if (value.is_object()) {
            const json::object& row = value.get_object();
            const json::value* const agree = row.if_contains("agree");
            const bool differs = agree != nullptr && agree->is_bool() && !agree->get_bool();
            table.add({
                text_at(row, "message"),
                text_at(row, "recipient"),
                answer_text(object_at(row, "first")),
                {answer_text(object_at(row, "copy")), differs ? Colour::yellow : Colour::none},
            });
        }
    }
    if (!table.empty()) {
        terminal.out << "\n";
    }
    table.print(terminal);
    return outcome;
}

}  // namespace siding::cli

#include "base/bytes.hpp"
#include "cli/api.hpp"
#include "cli/commands.hpp"
#include "cli/document.hpp"
#include "cli/quantities.hpp"
#include "cli/table.hpp"

#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include <fmt/ostream.h>

namespace siding::cli {
namespace {

namespace json = boost::json;

std::string scope_name(const std::string& domain, const std::string& wave) {
    return wave.empty() || wave == "default" ? domain : domain + "/" + wave;
}

std::string next_phases(const json::object& row) {
    std::string out;
    for (const json::value& next : array_at(row, "next")) {
        if (next.is_string()) {
            out += (out.empty() ? "" : ", ") + std::string{next.get_string()};
        }
    }
    return out.empty() ? "-" : out;
}

std::vector<json::object> chosen_rows(const json::object& phases, const ShowPhases& action) {
    std::vector<json::object> rows;
    for (const json::value& value : array_at(phases, "phases")) {
        if (!value.is_object()) {
            continue;
        }
        const json::object& row = value.get_object();
        if ((!action.domain || action.domain->text() == text_at(row, "domain")) &&
            (!action.wave || *action.wave == text_at(row, "wave"))) {
            rows.push_back(row);
        }
    }
    return rows;
}

}  // namespace

Result<Exit> run(const ShowPhases& action, Context& context) {
    SIDING_ASSIGN(const Document phases, context.api.get("/v1/phases"));
    const auto rows = chosen_rows(phases.value, action);
    if (rows.empty() && action.domain) {
        return Error{
            Errc::not_found,
            fmt::format(
                "{} is not configured; siding phase lists what is",
                escape(scope_name(action.domain->text(), action.wave.value_or("")))
            )};
    }
    if (context.json) {
        for (const json::object& row : rows) {
            context.terminal.out << json::serialize(row) << "\n";
        }
        return Exit::done;
    }
    Table table{{{"DOMAIN", Align::left, 16}, {"PHASE"}, {"MAY MOVE TO"}}};
    for (const json::object& row : rows) {
        table.add({
            scope_name(text_at(row, "domain"), text_at(row, "wave")),
            {text_at(row, "phase"), Colour::bold},
            next_phases(row),
        });
    }
    table.print(context.terminal);
    return Exit::done;
}

Result<Exit> run(const MovePhase& action, Context& context) {
    std::string target = "/v1/phases/" + action.domain.text();
    if (action.wave) {
        target += "/" + *action.wave;
    }
    const json::object body{{"phase", format_phase(action.to)}, {"why", action.why}};
    SIDING_ASSIGN(const Document moved, context.api.put(target, body));
    if (context.json) {
        context.terminal.out << moved.text << "\n";
        return Exit::done;
    }
    fmt::print(
        context.terminal.out,
        "{}: {} → {}, epoch {}\n",
        escape(scope_name(text_at(moved.value, "domain"), text_at(moved.value, "wave"))),
        escape(text_at(moved.value, "from")),
        context.terminal.paint(escape(text_at(moved.value, "to")), Colour::bold),
        number_at(moved.value, "epoch")
    );
    return Exit::done;
}

}  // namespace siding::cli

#include "base/bytes.hpp"
#include "cli/commands.hpp"
#include "cli/document.hpp"
#include "cli/table.hpp"

#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include <fmt/ostream.h>

namespace siding::cli {
namespace {

namespace json = boost::json;

}  // namespace

Result<Exit> run(const AddRemap& action, Context& context) {
    SIDING_ASSIGN(
        const Document answer,
        context.api.post("/v1/remaps", {{"from", action.from}, {"to", action.to}})
    );
    if (context.json) {
        context.terminal.out << answer.text << "\n";
        return Exit::done;
    }
    fmt::print(
        context.terminal.out,
        "mail for {} goes to {} from the next attempt on\n"
        "what is parked for it:  siding release --state parked --recipient {}\n",
        escape(text_at(answer.value, "from"), 1000),
        escape(text_at(answer.value, "to"), 1000),
        escape(text_at(answer.value, "from"), 1000)
    );
    return Exit::done;
}

Result<Exit> run(const RemoveRemap& action, Context& context) {
    SIDING_ASSIGN(
        const Document answer, context.api.post("/v1/remaps/remove", {{"from", action.from}})
    );
    if (context.json) {
        context.terminal.out << answer.text << "\n";
        return Exit::done;
    }
    fmt::print(
        context.terminal.out,
        "mail for {} goes to that address again\n",
        escape(text_at(answer.value, "removed"), 1000)
    );
    return Exit::done;
}

Result<Exit> run(const ListRemaps&, Context& context) {
    SIDING_ASSIGN(const Document answer, context.api.get("/v1/remaps"));
    Table table{{{"MAIL FOR", Align::left, 16}, {"GOES TO", Align::left, 16}}};
    for (const json::value& value : array_at(answer.value, "remaps")) {
        if (!value.is_object()) {
            continue;
        }
        const json::object& row = value.get_object();
        if (context.json) {
            context.terminal.out << json::serialize(row) << "\n";
        } else {
            table.add({text_at(row, "from"), text_at(row, "to")});
        }
    }
    if (table.empty() && !context.json) {
        context.terminal.out << "no address is remapped\n";
    }
    table.print(context.terminal);
    return Exit::done;
}

}  // namespace siding::cli

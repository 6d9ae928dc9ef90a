#include "base/bytes.hpp"
#include "cli/books.hpp"
#include "cli/commands.hpp"
#include "cli/document.hpp"
#include "cli/quantities.hpp"

#include <boost/json/value.hpp>

#include <fmt/ostream.h>

namespace siding::cli {
namespace {

namespace json = boost::json;

}  // namespace

Result<Exit> run(const Audit& action, Context& context) {
    SIDING_ASSIGN(const Document report, context.api.post("/v1/audit", {{"deep", action.deep}}));
    const bool balanced = flag_at(report.value, "balanced");
    const Exit outcome = balanced ? Exit::done : Exit::no;
    const Terminal& terminal = context.terminal;
    if (context.json) {
        terminal.out << report.text << "\n";
        return outcome;
    }
    const bool chain_ok = flag_at(report.value, "chain_ok");
    const auto entries = number_at(report.value, "ledger_entries");
    fmt::print(
        terminal.out,
        "{}, {} ledger {}, {}{}\n{}\n",
        balanced ? terminal.paint("balanced", Colour::green)
                 : terminal.paint("NOT BALANCED", Colour::red),
        human_count(entries),
        entries == 1 ? "entry" : "entries",
        chain_ok ? "chain whole" : terminal.paint("CHAIN BROKEN", Colour::red),
        action.deep && balanced ? ", every stored octet as it came" : "",
        format_books(report.value)
    );
    for (const json::value& problem : array_at(report.value, "problems")) {
        if (problem.is_string()) {
            const json::string& text = problem.get_string();
            fmt::print(terminal.out, "- {}\n", escape({text.data(), text.size()}, 1000));
        }
    }
    return outcome;
}

}  // namespace siding::cli

#include "cli/backfill_wait.hpp"
#include "cli/commands.hpp"
#include "cli/document.hpp"
#include "cli/quantities.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include <fmt/ostream.h>
#include <utility>

namespace siding::cli {

namespace json = boost::json;

Result<Exit> run(const RunBackfill& action, Context& context) {
    json::array accounts;
    for (const std::string& name : action.accounts) {
        accounts.emplace_back(name);
    }
    json::object body{{"order", "copy"}, {"accounts", std::move(accounts)}};
    for (const auto& [key, value] :
         {std::pair{"since", &action.since},
          {"before", &action.before},
          {"max_size", &action.max_size},
          {"quiet", &action.quiet}}) {
        if (!value->empty()) {
            body[key] = *value;
        }
    }
    if (action.is_back) {
        body["back"] = true;
    }
    if (action.is_final) {
        body["final"] = true;
    }
    SIDING_ASSIGN(const Document answer, context.api.post("/v1/backfill/orders", body));
    if (action.wait) {
        const OrderBackfill order{action.is_final ? "final" : "copy", action.accounts, true};
        return wait_for_backfill(order, context);
    }
    if (context.json) {
        context.terminal.out << answer.text << "\n";
        return Exit::done;
    }
    fmt::print(
        context.terminal.out,
        "{} ordered; `siding backfill status` shows how far they are\n",
        counted(array_at(answer.value, "ordered").size(), "account")
    );
    return Exit::done;
}

}  // namespace siding::cli

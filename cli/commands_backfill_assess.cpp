#include "cli/backfill_proof_printer.hpp"
#include "cli/backfill_wait.hpp"
#include "cli/commands.hpp"
#include "cli/document.hpp"

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <sstream>

namespace siding::cli {
namespace {

namespace json = boost::json;

// The accounts that were asked for; all without names.
Result<json::object> fetch(const std::vector<std::string>& names, const Api& api) {
    net::HttpQuery query;
    if (names.size() == 1) {
        query.emplace("account", names.front());
    }
    SIDING_ASSIGN(Document document, api.get("/v1/backfill/assessments", std::move(query)));
    if (names.size() > 1) {
        json::array chosen;
        for (const json::value& value : array_at(document.value, "accounts")) {
            const std::string name = text_at(value.get_object(), "account");
            if (std::ranges::find(names, name) != names.end()) {
                chosen.push_back(value);
            }
        }
        document.value["accounts"] = std::move(chosen);
    }
    return std::move(document.value);
}

Result<void> show(const AssessBackfill& action, const Context& context) {
    SIDING_ASSIGN(const json::object document, fetch(action.accounts, context.api));
    if (context.json) {
        context.terminal.out << json::serialize(document) << "\n";
    } else {
        print_assessments(document, context.terminal);
    }
    return {};
}

}  // namespace

Result<Exit> run(const AssessBackfill& action, Context& context) {
    if (action.show) {
        SIDING_TRY(show(action, context));
        return Exit::done;
    }
    OrderBackfill order{.order = "assess", .accounts = action.accounts};
    order.limit = action.limit;
    if (!action.wait) {
        return run(order, context);
    }
    // Of the order itself only what went wrong is of interest here.
    std::ostringstream status;
    const Terminal quiet{
        .in = context.terminal.in,
        .out = status,
        .err = context.terminal.err,
        .width = context.terminal.width};
    Context silent{context.api, quiet, context.clock, context.json, context.pause};
    order.wait = true;
    SIDING_ASSIGN(const Exit ended, run(order, silent));
    if (ended != Exit::done && !context.json) {
        context.terminal.out << status.str();
    }
    SIDING_TRY(show(action, context));
    return ended;
}

}  // namespace siding::cli

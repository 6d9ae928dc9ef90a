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

Result<Exit> run(const RetryBackfill& action, Context& context) {
    json::array accounts;
    for (const std::string& name : action.accounts) {
        accounts.emplace_back(name);
    }
    json::object body{{"accounts", std::move(accounts)}};
    for (const auto& [key, value] :
         {std::pair{"mailbox", &action.mailbox},
          {"uids", &action.uids},
          {"repair", &action.repair}}) {
        if (!value->empty()) {
            body[key] = *value;
        }
    }
    SIDING_ASSIGN(const Document answer, context.api.post("/v1/backfill/retry", body));
    if (action.wait) {
        return wait_for_backfill(OrderBackfill{"retry", action.accounts, true}, context);
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

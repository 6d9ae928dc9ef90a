#include "base/bytes.hpp"
#include "cli/commands.hpp"
#include "cli/document.hpp"
#include "cli/filter_query.hpp"
#include "cli/quantities.hpp"
#include "control/filter_params.hpp"

#include <fmt/ostream.h>
#include <string>

namespace siding::cli {
namespace {

namespace json = boost::json;

struct Count {
    std::uint64_t recipients = 0;
    std::uint64_t octets = 0;

    std::string text() const {
        return fmt::format("{} ({})", counted(recipients, "recipient"), human_size(octets));
    }
};

Result<Count> count(const queue::Filter& filter, Context& context) {
    SIDING_ASSIGN(
        const Document document, context.api.get("/v1/queue/count", filter_query(filter))
    );
    return Count{number_at(document.value, "recipients"), number_at(document.value, "octets")};
}

Result<bool> confirm_discard(const Count& chosen, bool dsn, const Terminal& terminal) {
    if (!terminal.can_ask) {
        return Error{
            Errc::invalid_argument,
            fmt::format(
                "{} would be discarded for good, and there is no terminal to ask on; say --yes",
                chosen.text()
            )};
    }
    fmt::print(
        terminal.err,
        "Discard {} for good{}? [y/N] ",
        chosen.text(),
        dsn ? ", and tell the senders" : ""
    );
    terminal.err.flush();
    std::string answer;
    std::getline(terminal.in, answer);
    return answer == "y" || answer == "Y" || answer == "yes";
}

void print_reports(const json::object& answer, const Terminal& terminal) {
    fmt::print(
        terminal.out,
        "{} to senders under way: siding queue list --tag dsn\n",
        counted(number_at(answer, "reports"), "report")
    );
    if (const auto unreported = number_at(answer, "unreported"); unreported > 0) {
        fmt::print(
            terminal.out,
            "{} without a report: the sender is <>, or wants none\n",
            counted(unreported, "recipient")
        );
    }
    if (const auto left = number_at(answer, "left"); left > 0) {
        fmt::print(
            terminal.out,
            "{} left alone: the envelope cannot be read; discard without --dsn\n",
            counted(left, "message")
        );
    }
}

// `all` is the operator's word that an empty filter is meant.
Result<Exit> change(
    const std::string& verb, const queue::Filter& filter, json::object body, Context& context
) {
    body["filter"] = control::filter_json(filter);
    SIDING_ASSIGN(const Document moved, context.api.post("/v1/queue/" + verb, body));
    if (context.json) {
        context.terminal.out << moved.text << "\n";
        return Exit::done;
    }
    fmt::print(
        context.terminal.out,
        "{} {}\n",
        counted(number_at(moved.value, "moved"), "recipient"),
        verb == "hold" ? "held" : "discarded"
    );
    if (moved.value.contains("reports")) {
        print_reports(moved.value, context.terminal);
    }
    return Exit::done;
}

Exit nothing_matches(Context& context) {
    context.terminal.out
        << (context.json ? "{\"moved\":0}\n" : "no recipient matches; nothing changed\n");
    return Exit::done;
}

}  // namespace

Result<Exit> run(const HoldQueue& action, Context& context) {
    return change("hold", action.filter, {{"why", action.why}, {"all", action.all}}, context);
}

Result<Exit> run(const DiscardQueue& action, Context& context) {
    SIDING_ASSIGN(const Count chosen, count(action.filter, context));
    if (chosen.recipients == 0) {
        return nothing_matches(context);
    }
    if (!action.confirmed) {
        SIDING_ASSIGN(const bool agreed, confirm_discard(chosen, action.dsn, context.terminal));
        if (!agreed) {
            context.terminal.err << "nothing was discarded\n";
            return Exit::no;
        }
    }
    json::object body{{"why", action.why}, {"all", action.all}};
    if (action.dsn) {
        body["dsn"] = true;
    }
    return change("discard", action.filter, std::move(body), context);
}

}  // namespace siding::cli

#include "base/bytes.hpp"
#include "cli/commands.hpp"
#include "cli/document.hpp"
#include "cli/quantities.hpp"
#include "control/filter_params.hpp"

#include <fmt/ostream.h>

namespace siding::cli {

Result<Exit> run(const Replay& action, Context& context) {
    const boost::json::object body{
        {"filter", control::filter_json(action.filter)},
        {"to", action.server},
        {"all", action.all},
        {"dry_run", action.dry_run},
        {"why", action.why},
    };
    SIDING_ASSIGN(const Document answer, context.api.post("/v1/replay", body));
    const Terminal& terminal = context.terminal;
    if (context.json) {
        terminal.out << answer.text << "\n";
        return Exit::done;
    }
    const auto recipients = number_at(answer.value, action.dry_run ? "recipients" : "moved");
    if (recipients == 0) {
        terminal.out << "nothing that is kept matches; 'retention.time' says how long delivered "
                        "mail is kept\n";
        return Exit::done;
    }
    if (action.dry_run) {
        fmt::print(
            terminal.out,
            "{} ({}) would be delivered again, to {}\n",
            counted(recipients, "recipient"),
            human_size(number_at(answer.value, "octets")),
            escape(action.server)
        );
        return Exit::done;
    }
    fmt::print(
        terminal.out,
        "{} will be delivered again, to {}; siding status shows how far it is\n",
        counted(recipients, "recipient"),
        escape(action.server)
    );
    return Exit::done;
}

}  // namespace siding::cli

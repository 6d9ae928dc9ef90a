#include "cli/commands.hpp"

#include "cli/interrupt.hpp"
#include "cli/options.hpp"

#include <cstdlib>
#include <fmt/ostream.h>
#include <variant>

namespace siding::cli {
namespace {

void print_error(const Terminal& terminal, const Error& error) {
    fmt::print(
        terminal.err, "siding: {}\n", is_unreachable(error) ? error.context : error.message()
    );
}

}  // namespace

Result<Exit> run(const ShowText& action, Context& context) {
    context.terminal.out << action.text;
    return Exit::done;
}

Exit run_action(const Action& action, Context& context) {
    const auto outcome =
        std::visit([&](const auto& chosen) { return run(chosen, context); }, action);
    context.terminal.out.flush();
    if (outcome.has_error()) {
        print_error(context.terminal, outcome.error());
        return exit_of(outcome.error());
    }
    if (!context.terminal.out) {
        print_error(
            context.terminal, {Errc::internal, "cannot write the output; is the disk full?"}
        );
        return Exit::no;
    }
    return *outcome;
}

int run_siding(int argc, char** argv) {
    const Terminal terminal = standard_terminal();
    const SystemClock clock;
    const char* const socket = std::getenv("SIDING_SOCKET");
    const char* const backfill_socket = std::getenv("SIDING_BACKFILL_SOCKET");
    const auto options = parse_options(
        {argv + 1, argv + argc},
        {.socket = socket == nullptr ? "" : socket,
         .now = clock.now(),
         .backfill_socket = backfill_socket == nullptr ? "" : backfill_socket}
    );
    if (options.has_error()) {
        print_error(terminal, options.error());
        return static_cast<int>(Exit::usage);
    }
    const Api api{options->socket.string()};
    Context context{
        .api = api,
        .terminal = terminal,
        .clock = clock,
        .json = options->json,
        .pause = [](std::chrono::milliseconds time) { return !interrupted_within(time); },
    };
    return static_cast<int>(run_action(options->action, context));
}

}  // namespace siding::cli

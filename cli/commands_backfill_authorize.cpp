#include "base/bytes.hpp"
#include "cli/commands.hpp"
#include "cli/document.hpp"

#include <fmt/ostream.h>

namespace siding::cli {
namespace {

namespace json = boost::json;
using namespace std::chrono_literals;

constexpr auto poll_wait = 500ms;
constexpr const char* path = "/v1/backfill/authorizations";

void print_code(const json::object& begun, const Terminal& terminal) {
    fmt::print(
        terminal.out,
        "{} ({}): in a browser, logged in as the mailbox's user, open\n\n    {}\n\nand type in\n\n"
        "    {}\n\n",
        escape(text_at(begun, "account")),
        escape(text_at(begun, "side")),
        escape(text_at(begun, "verification_uri")),
        escape(text_at(begun, "user_code"))
    );
    const std::string complete = text_at(begun, "verification_uri_complete");
    if (!complete.empty()) {
        fmt::print(
            terminal.out,
            "or open this, which has the code in it:\n\n    {}\n\n",
            escape(complete, 2048)
        );
    }
    terminal.out.flush();
}

void print_end(const json::object& ended, const Terminal& terminal) {
    const std::string state = text_at(ended, "state");
    if (state == "done") {
        terminal.out << "authorized; `siding backfill accounts check` logs in with it\n";
        return;
    }
    fmt::print(terminal.out, "not authorized, {}: {}\n", state, escape(text_at(ended, "reason")));
}

}  // namespace

Result<Exit> run(const AuthorizeBackfill& action, Context& context) {
    SIDING_ASSIGN(
        const Document begun,
        context.api.post(path, {{"account", action.account}, {"side", action.side}})
    );
    if (context.json) {
        context.terminal.out << begun.text << std::endl;
    } else {
        print_code(begun.value, context.terminal);
    }
    for (;;) {
        if (!context.pause(poll_wait)) {
            context.terminal.err << "the daemon goes on waiting for it\n";
            return Exit::no;
        }
        SIDING_ASSIGN(
            const Document now,
            context.api.get(
                path, {{"account", action.account}, {"side", text_at(begun.value, "side")}}
            )
        );
        const std::string state = text_at(now.value, "state");
        if (state == "waiting") {
            continue;
        }
        if (context.json) {
            context.terminal.out << now.text << "\n";
        } else {
            print_end(now.value, context.terminal);
        }
        return state == "done" ? Exit::done : Exit::no;
    }
}

}  // namespace siding::cli

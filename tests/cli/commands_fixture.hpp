// Verbs as they are typed, against canned answers of the control API; what they print is kept.
#pragma once

#include "cli/commands.hpp"
#include "cli/options.hpp"
#include "tests/cli/scripted_api.hpp"

#include <gtest/gtest.h>

#include <sstream>
#include <string>
#include <vector>

namespace siding::cli {

class CommandsTest : public testing::Test {
protected:
    Exit run(std::vector<std::string> arguments) {
        return run_on(api_server.socket(), std::move(arguments));
    }

    Exit run_on(const std::string& socket, std::vector<std::string> arguments) {
        const auto options =
            parse_options(std::move(arguments), {.socket = "", .now = clock.now()});
        EXPECT_TRUE(options.has_value()) << options.error().context;
        const Api api{socket};
        Context context{
            .api = api,
            .terminal = terminal,
            .clock = clock,
            .json = options->json,
            .pause =
                [this](std::chrono::milliseconds time) {
                    clock.advance(time);
                    return !interrupted;
                },
        };
        out.str("");
        err.str("");
        return run_action(options->action, context);
    }

    std::string body_of(std::size_t call) const { return api_server.asked().at(call).body; }

    test::ScriptedApi api_server;
    ManualClock clock{parse_time("2026-11-21T14:00:00Z").value()};
    std::istringstream in;
    std::ostringstream out;
    std::ostringstream err;
    Terminal terminal{.in = in, .out = out, .err = err, .width = 80};
    bool interrupted = false;
};

}  // namespace siding::cli

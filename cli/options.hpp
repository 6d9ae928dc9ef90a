// The command line as a value: arguments in, an action out. Runs nothing, reads no file, asks no
// daemon.
#pragma once

#include "base/clock.hpp"
#include "cli/actions.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace siding::cli {

inline constexpr const char* default_socket = "/run/siding/control.sock";
inline constexpr const char* default_backfill_socket = "/run/siding/backfill.sock";

struct Options {
    std::filesystem::path socket = default_socket;
    bool json = false;
    Action action;
};

// What the environment contributes.
struct ParseContext {
    std::string socket;                // SIDING_SOCKET; empty if it is not set
    WallTime now;                      // what "2h ago" counts from
    std::string backfill_socket = {};  // SIDING_BACKFILL_SOCKET
};

// `arguments` without the program's name. Errc::invalid_argument: one line that says what is wrong
// and where help is.
Result<Options> parse_options(std::vector<std::string> arguments, const ParseContext& context);

}  // namespace siding::cli

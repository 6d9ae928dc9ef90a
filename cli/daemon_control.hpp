// What both daemons do alike: serve the control API, and read their configuration anew. `program`
// is the name in the log.
#pragma once

#include "base/result.hpp"
#include "config/config.hpp"
#include "config/live.hpp"
#include "net/http_server.hpp"
#include "net/task_group.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace siding::cli {

// What a client over TCP must know; empty: there is no token, and over TCP only health and metrics
// can be asked for. Blocks.
Result<std::string> read_token(const config::Control& control);

struct ControlSockets {
    std::string socket;                    // a Unix socket's path
    std::optional<config::Endpoint> http;  // a loopback address
};
// Listens, announces both, and serves as tasks of `tasks`.
Result<void> serve_control(
    std::string_view program,
    const ControlSockets& sockets,
    const net::HttpHandler& handler,
    const net::asio::any_io_executor& blocking,
    net::TaskGroup& tasks
);

// Says in the log what has changed and what waits for a restart. False: the file cannot be used,
// and nothing has changed. Blocks.
bool reload_config(std::string_view program, const std::string& file, config::Live& config);

}  // namespace siding::cli

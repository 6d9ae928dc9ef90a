#include "cli/daemon_control.hpp"

#include "base/log.hpp"
#include "cli/daemon_sockets.hpp"
#include "config/load.hpp"
#include "net/listener.hpp"

#include <fmt/format.h>
#include <fstream>
#include <utility>

namespace siding::cli {

Result<std::string> read_token(const config::Control& control) {
    if (!control.token_file) {
        return std::string{};
    }
    std::ifstream file{*control.token_file};
    std::string token;
    if (!std::getline(file, token) || token.empty()) {
        return Error{
            Errc::not_found,
            fmt::format("{} holds no token in its first line", *control.token_file)};
    }
    return token;
}

Result<void> serve_control(
    std::string_view program,
    const ControlSockets& sockets,
    const net::HttpHandler& handler,
    const net::asio::any_io_executor& blocking,
    net::TaskGroup& tasks
) {
    net::HttpServerOptions http;
    http.name = "control";
    http.blocking = blocking;
    net::UnixListenOptions options;
    options.group = "siding";
    SIDING_ASSIGN(auto socket, net::listen_unix(sockets.socket, options));
    SIDING_ASSIGN(auto local, net::Acceptor::create(tasks.executor(), std::move(socket)));
    announce(program, "control_listening", local.local());
    SIDING_TRY(tasks.spawn(net::serve_http(std::move(local), handler, http)));
    if (!sockets.http) {
        return {};
    }
    SIDING_ASSIGN(auto tcp, net::listen_tcp({sockets.http->host, sockets.http->port}));
    SIDING_ASSIGN(auto loopback, net::Acceptor::create(tasks.executor(), std::move(tcp)));
    announce(program, "control_listening", loopback.local());
    return tasks.spawn(net::serve_http(std::move(loopback), handler, http));
}

bool reload_config(std::string_view program, const std::string& file, config::Live& config) {
    const Logger log{program};
    auto loaded = config::load_file(file);
    if (!loaded) {
        for (const config::ConfigError& error : loaded.error().list) {
            log.error("reload_refused", {{"error", error.text()}});
        }
        return false;
    }
    const config::ReloadPlan plan = config.apply(std::move(*loaded));
    for (const std::string& line : plan.applied) {
        log.info("reload_applied", {{"change", line}});
    }
    for (const std::string& line : plan.needs_restart) {
        log.warn("reload_needs_restart", {{"change", line}});
    }
    for (const std::string& line : plan.ignored) {
        log.warn("reload_ignored", {{"change", line}});
    }
    set_log_level(config.get()->log.level);
    return true;
}

}  // namespace siding::cli

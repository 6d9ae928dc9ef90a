#include "cli/daemon_sockets.hpp"

#include "base/log.hpp"
#include "config/endpoint.hpp"
#include "net/listener.hpp"
#include "systemd/notify.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <fmt/format.h>
#include <string>
#include <sys/resource.h>

namespace siding::cli {
namespace {

const Logger log{"sidingd"};

constexpr std::size_t kept_descriptors = 1024;  // for the store, the lanes and the control API

bool is_ipv6(const std::string& host) {
    return host.find(':') != std::string::npos;
}

// With sockets of systemd's nothing else is opened: a listener that is only in our configuration is
// easily overlooked.
void warn_of_missing_sockets(
    const config::Config& config, const std::vector<net::UniqueFd>& sockets
) {
    for (const config::Listener& listener : config.listeners) {
        const bool is_open = std::ranges::any_of(sockets, [&](const net::UniqueFd& socket) {
            return net::local_endpoint_of(socket.get()).port == listener.address.port;
        });
        if (!is_open) {
            log.warn(
                "listener_without_socket",
                {{"address", config::format_endpoint(listener.address)},
                 {"reason", "systemd opens the sockets, and none on this port: see siding.socket"}}
            );
        }
    }
}

}  // namespace

Result<std::vector<net::UniqueFd>> open_listeners(const config::Config& config) {
    std::vector<net::UniqueFd> listeners;
    SIDING_ASSIGN(const auto inherited, systemd::inherited_sockets());
    for (const systemd::InheritedSocket& socket : inherited) {
        SIDING_ASSIGN(auto listener, net::adopt_listener(socket.fd));
        listeners.push_back(std::move(listener));
    }
    if (!listeners.empty()) {
        log.info("sockets_inherited", {{"sockets", listeners.size()}});
        warn_of_missing_sockets(config, listeners);
        return listeners;
    }
    for (const config::Listener& listener : config.listeners) {
        // "[::]:25" alone takes both families; beside an IPv4 listener on the port it keeps to
        // IPv6.
        net::TcpListenOptions options;
        options.ipv6_only = std::ranges::any_of(config.listeners, [&](const auto& other) {
            return other.address.port == listener.address.port && !is_ipv6(other.address.host);
        });
        SIDING_ASSIGN(
            auto socket, net::listen_tcp({listener.address.host, listener.address.port}, options)
        );
        listeners.push_back(std::move(socket));
    }
    return listeners;
}

void announce(std::string_view program, std::string_view event, const net::Endpoint& address) {
    if (Logger::enabled(LogLevel::info)) {
        Logger{program}.info(event, {{"address", address.text()}});
    } else {
        fmt::print(stderr, "{} {} address={}\n", program, event, address.text());
    }
}

std::size_t claim_descriptors(const config::Config& config) {
    rlimit descriptors{};
    if (::getrlimit(RLIMIT_NOFILE, &descriptors) != 0) {
        return SIZE_MAX;
    }
    descriptors.rlim_cur = descriptors.rlim_max;
    static_cast<void>(::setrlimit(RLIMIT_NOFILE, &descriptors));
    static_cast<void>(::getrlimit(RLIMIT_NOFILE, &descriptors));
    const auto all = static_cast<std::size_t>(descriptors.rlim_cur);
    // A session that asks the content filter has a second connection.
    const std::size_t each = config.filter.rspamd ? 2 : 1;
    const std::size_t for_sessions = (all - std::min(all / 2, kept_descriptors)) / each;
    if (for_sessions < config.limits.connections) {
        log.warn(
            "connections_bounded",
            {{"reason", "too few file descriptors for limits.connections"},
             {"descriptors", all},
             {"connections", for_sessions}}
        );
    }
    return for_sessions;
}

}  // namespace siding::cli

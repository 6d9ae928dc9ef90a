#include "config/semantics.hpp"

#include "base/bytes.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <set>
#include <sys/un.h>

namespace siding::config {
namespace {

void check_listeners(const Config& config, Problems& problems) {
    std::set<Endpoint> seen;
    for (std::size_t i = 0; i < config.listeners.size(); ++i) {
        const Endpoint& address = config.listeners[i].address;
        if (address.port != 0 && !seen.insert(address).second) {
            const std::string key = fmt::format("listeners[{}].address", i);
            problems.add(
                problems.place_of(key),
                key,
                format_endpoint(address) + " is already in the list; write it once"
            );
        }
    }
}

// Whether a socket on `wide` takes what comes in at `address` as well: the second bind would fail.
bool covers(const Endpoint& wide, const Endpoint& address) {
    const bool six = address.host.find(':') != std::string::npos;
    return wide.port == address.port && wide.host == (six ? "::" : "0.0.0.0");
}

void check_overlap(const Config& config, Problems& problems) {
    for (std::size_t i = 0; i < config.listeners.size(); ++i) {
        const Endpoint& address = config.listeners[i].address;
        const auto wide = std::ranges::find_if(config.listeners, [&](const Listener& other) {
            return address.port != 0 && other.address != address && covers(other.address, address);
        });
        if (wide != config.listeners.end()) {
            const std::string key = fmt::format("listeners[{}].address", i);
            problems.add(
                problems.place_of(key),
                key,
                fmt::format(
                    "{} takes this address already; write one of them",
                    format_endpoint(wide->address)
                )
            );
        }
    }
}

bool offers(const std::vector<std::string>& extensions, std::string_view keyword) {
    return std::ranges::find(extensions, keyword) != extensions.end();
}

void check_extensions(
    const std::vector<std::string>& extensions, const std::string& key, Problems& problems
) {
    struct Need {
        std::string_view keyword;
        std::string_view other;
    };
    constexpr std::array needs{
        Need{"BINARYMIME", "CHUNKING"},  // RFC 3030 §3
        Need{"SMTPUTF8", "8BITMIME"},    // RFC 6531 §3.1
    };
    for (const Need& need : needs) {
        if (offers(extensions, need.keyword) && !offers(extensions, need.other)) {
            problems.add(
                problems.place_of(key),
                key,
                fmt::format(
                    "{} needs {}; add that or take {} out", need.keyword, need.other, need.keyword
                )
            );
        }
    }
}

void check_offers(const Config& config, Problems& problems) {
    check_extensions(config.extensions, "extensions", problems);
    for (std::size_t i = 0; i < config.listeners.size(); ++i) {
        const Listener& listener = config.listeners[i];
        const std::string key = fmt::format("listeners[{}]", i);
        if (listener.extensions) {
            check_extensions(*listener.extensions, key + ".extensions", problems);
        }
        const auto& offered = listener.extensions ? *listener.extensions : config.extensions;
        const bool starttls = listener.tls == ListenerTls::starttls;
        if (starttls && listener.tls_required && !offers(offered, "STARTTLS")) {
            problems.add(
                problems.place_of(key + ".tls_required"),
                key + ".tls_required",
                "lets nobody in, because STARTTLS is not among the extensions; add it there"
            );
        }
    }
}

void check_servers(const Config& config, Problems& problems) {
    for (const auto& [name, server] : config.servers) {
        const std::string key = "servers." + escape(name);
        if (!is_name(name)) {
            problems.add(
                problems.place_of(key),
                key,
                "is no name for a server; allowed: up to 32 of a-z, 0-9, - and _"
            );
        }
        const bool self = std::ranges::any_of(config.listeners, [&](const Listener& listener) {
            return server.address.port != 0 && listener.address == server.address;
        });
        const bool self_later =
            std::ranges::any_of(config.listeners, [&](const Listener& listener) {
                return std::ranges::find(server.fallback, listener.address) !=
                       server.fallback.end();
            });
        if (self || self_later) {
            const std::string leaf = key + (self ? ".address" : ".fallback");
            problems.add(
                problems.place_of(leaf),
                leaf,
                "is one of our own listeners; mail would go round in circles"
            );
        }
    }
}

void check_domains(const Config& config, Problems& problems) {
    for (const auto& [domain, settings] : config.domains) {
        const auto server = server_of(settings.phase);
        if (server && !config.servers.contains(std::string{*server})) {
            const std::string key = fmt::format("domains.{}.phase", domain.text());
            problems.add(
                problems.place_of(key),
                key,
                fmt::format(
                    "{} sends to the server '{}', which is missing under servers",
                    format_phase(settings.phase),
                    *server
                )
            );
        }
    }
}

void check_socket(const std::string& path, const std::string& key, Problems& problems) {
    constexpr std::size_t socket_path_max = sizeof(sockaddr_un::sun_path) - 1;
    if (path.size() > socket_path_max) {
        problems.add(
            problems.place_of(key),
            key,
            fmt::format("is too long for a socket; allowed: {} octets", socket_path_max)
        );
    }
}

void check_control(const Control& control, Problems& problems) {
    check_socket(control.socket, "control.socket", problems);
    if (control.token_file && !control.http) {
        problems.add(
            problems.place_of("control.token_file"),
            "control.token_file",
            "is for control.http, which is missing"
        );
    }
}

// The two daemons read one file and run side by side.
void check_backfill(const Config& config, Problems& problems) {
    const Backfill& backfill = config.backfill;
    check_socket(backfill.socket, "backfill.socket", problems);
    if (backfill.socket == config.control.socket) {
        problems.add(
            problems.place_of("backfill.socket"),
            "backfill.socket",
            "is control.socket, too; each daemon needs its own"
        );
    }
    if (backfill.http && backfill.http == config.control.http && backfill.http->port != 0) {
        problems.add(
            problems.place_of("backfill.http"),
            "backfill.http",
            "is control.http, too; each daemon needs its own"
        );
    }
}

}  // namespace

void check_semantics(const Config& config, Problems& problems) {
    check_listeners(config, problems);
    check_overlap(config, problems);
    check_offers(config, problems);
    check_servers(config, problems);
    check_domains(config, problems);
    check_control(config.control, problems);
    check_backfill(config, problems);
    if (config.limits.hard_errors < config.limits.soft_errors) {
        problems.add(
            problems.place_of("limits.hard_errors"),
            "limits.hard_errors",
            fmt::format(
                "must be at least limits.soft_errors ({}), which come first",
                config.limits.soft_errors
            )
        );
    }
}

}  // namespace siding::config

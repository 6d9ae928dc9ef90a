// Rows of the schema: what runs the relay. Included by schema.cpp alone.
#pragma once

#include "config/schema.hpp"

#include <array>

namespace siding::config::rows {

inline constexpr std::array operation{
    Key{.path = "retry",
        .type = KeyType::group,
        .doc = "What follows a delivery that failed for now."},
    Key{.path = "retry.schedule",
        .type = KeyType::durations,
        .min = second,
        .max = day,
        .fallback = "[1m, 5m, 10m, 20m, 40m, 1h]",
        .doc = "Waits after the first, second, … failure. The last one repeats for ever: nothing "
               "expires."},
    Key{.path = "storage", .type = KeyType::group, .doc = "The disk."},
    Key{.path = "storage.disk_reserve",
        .type = KeyType::reserve,
        .fallback = "auto",
        .doc = "Free space that new mail may not use: below it, 452 4.3.1. `auto` is 2GiB or 5%, "
               "whichever is more; never less than 256MiB."},
    Key{.path = "control",
        .type = KeyType::group,
        .reload = Reload::restart,
        .doc = "The control API."},
    Key{.path = "control.socket",
        .type = KeyType::path,
        .fallback = "/run/siding/control.sock",
        .reload = Reload::restart,
        .doc = "The Unix socket that `siding` talks to."},
    Key{.path = "control.http",
        .type = KeyType::endpoint,
        .example = "127.0.0.1:8025",
        .reload = Reload::restart,
        .doc = "A loopback address to serve the same API on, and /metrics and /healthz."},
    Key{.path = "control.token_file",
        .type = KeyType::path,
        .example = "/etc/siding/token",
        .reload = Reload::restart,
        .doc = "File with the bearer token for `http`. Without it only /metrics and /healthz are "
               "served there."},
    Key{.path = "log", .type = KeyType::group, .doc = "Log lines on standard error."},
    Key{.path = "log.level",
        .type = KeyType::choice,
        .choices = "trace|debug|info|warn|error",
        .fallback = "info",
        .doc = "The least serious line that is written. `trace` shows the protocol."},
    Key{.path = "drain_timeout",
        .type = KeyType::duration,
        .min = second,
        .max = 10 * minute,
        .fallback = "30s",
        .doc = "How long open sessions may finish at shutdown. Below TimeoutStopSec of the unit."},
    Key{.path = "threads",
        .type = KeyType::threads,
        .min = 1,
        .max = 256,
        .fallback = "auto",
        .reload = Reload::restart,
        .doc = "Network threads; `auto` is one for each core."},
};

}  // namespace siding::config::rows

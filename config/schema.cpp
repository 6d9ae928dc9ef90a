#include "config/schema.hpp"

#include "base/check.hpp"
#include "config/units.hpp"

#include <array>
#include <fmt/format.h>

namespace siding::config {
namespace {

using enum KeyType;

constexpr std::uint64_t KiB = 1ull << 10;
constexpr std::uint64_t GiB = 1ull << 30;
constexpr std::uint64_t second = 1000;
constexpr std::uint64_t minute = 60 * second;
constexpr std::uint64_t day = 24 * 60 * minute;

constexpr std::array table{
    Key{.path = "hostname",
        .type = hostname,
        .required = true,
        .example = "hold.example.net",
        .reload = Reload::restart,
        .doc = "Siding's own name, in the banner, in EHLO and in Received. Never guessed: other "
               "servers check it against DNS."},
    Key{.path = "data_dir",
        .type = path,
        .required = true,
        .example = "/var/lib/siding",
        .reload = Reload::restart,
        .doc = "Where the queue lives. One daemon at a time."},
    Key{.path = "listeners",
        .type = list,
        .required = true,
        .reload = Reload::restart,
        .doc = "Where SMTP comes in. Sockets that systemd hands over (siding.socket) take the "
               "place of this list."},
    Key{.path = "listeners[].address",
        .type = endpoint,
        .required = true,
        .example = "[::]:25",
        .reload = Reload::restart,
        .doc = "IP address and port. IPv6 stands in brackets; port 0 lets the system choose."},
    Key{.path = "listeners[].tls",
        .type = choice,
        .choices = "off",
        .not_yet = "TLS listeners are not in this version",
        .fallback = "off",
        .reload = Reload::restart,
        .doc = "Whether the listener offers TLS."},
    Key{.path = "servers",
        .type = map,
        .required = true,
        .example = "old|new",
        .doc = "The next hops by name. Phases send to `old` and `new`; other names can be "
               "released to."},
    Key{.path = "servers.*.address",
        .type = endpoint,
        .required = true,
        .example = "mail.old.example:25|mail.new.example:25",
        .doc = "Host and port; without a port, 25. A name's address records are used, never its "
               "MX: that may point here."},
    Key{.path = "servers.*.connections",
        .type = count,
        .min = 1,
        .max = 1000,
        .fallback = "10",
        .doc = "How many connections to this server at once."},
    Key{.path = "servers.*.tls",
        .type = choice,
        .choices = "off",
        .not_yet = "TLS to servers is not in this version",
        .fallback = "off",
        .doc = "Whether connections to this server are encrypted."},
    Key{.path = "servers.*.connect_timeout",
        .type = duration,
        .min = second,
        .max = 10 * minute,
        .fallback = "30s",
        .doc = "How long one connection attempt may take."},
    Key{.path = "domains",
        .type = map,
        .required = true,
        .example = "example.com",
        .doc = "The domains to take mail for; any other is refused with 550 5.7.1."},
    Key{.path = "domains.*.phase",
        .type = choice,
        .choices = "prep|pass_old|hold|release|pass_new|retired",
        .fallback = "prep",
        .reload = Reload::first_start,
        .doc = "The phase to begin in. The queue remembers it from then on; `siding phase` "
               "changes it."},
    Key{.path = "domains.*.recipients",
        .type = choice,
        .choices = "any",
        .not_yet = "recipient files and verification are not in this version",
        .fallback = "any",
        .doc = "Which recipients of the domain exist."},
    Key{.path = "limits", .type = group, .doc = "Bounds for what comes in."},
    Key{.path = "limits.message_size",
        .type = size,
        .min = 64 * KiB,  // RFC 5321 §4.5.3.1.7
        .max = 4 * GiB,
        .fallback = "50MiB",
        .doc = "Largest message; announced in EHLO. At least what the new server takes."},
    Key{.path = "limits.recipients",
        .type = count,
        .min = 100,  // RFC 5321 §4.5.3.1.8
        .max = 100000,
        .fallback = "1000",
        .doc = "Recipients of one transaction; the rest get 452 4.5.3 and are sent again."},
    Key{.path = "limits.connections",
        .type = count,
        .min = 1,
        .max = 1000000,
        .fallback = "10000",
        .doc = "Connections at once. Each takes a file descriptor (LimitNOFILE in the unit)."},
    Key{.path = "limits.connections_per_client",
        .type = count,
        .min = 1,
        .max = 1000000,
        .fallback = "50",
        .doc = "Connections at once from one address."},
    Key{.path = "limits.soft_errors",
        .type = count,
        .min = 1,
        .max = 10000,
        .fallback = "10",
        .doc = "Errors in one session after which replies are delayed."},
    Key{.path = "limits.hard_errors",
        .type = count,
        .min = 1,
        .max = 10000,
        .fallback = "20",
        .doc = "Errors in one session after which it ends with 421."},
    Key{.path = "bare_newlines",
        .type = choice,
        .choices = "normalize|reject",
        .fallback = "normalize",
        .doc = "A CR or LF that stands alone in a message: made CRLF, or refused with 5.5.2."},
    Key{.path = "retry", .type = group, .doc = "What follows a delivery that failed for now."},
    Key{.path = "retry.schedule",
        .type = durations,
        .min = second,
        .max = day,
        .fallback = "[1m, 5m, 10m, 20m, 40m, 1h]",
        .doc = "Waits after the first, second, … failure. The last one repeats for ever: nothing "
               "expires."},
    Key{.path = "storage", .type = group, .doc = "The disk."},
    Key{.path = "storage.disk_reserve",
        .type = reserve,
        .fallback = "auto",
        .doc = "Free space that new mail may not use: below it, 452 4.3.1. `auto` is 2GiB or 5%, "
               "whichever is more; never less than 256MiB."},
    Key{.path = "control", .type = group, .reload = Reload::restart, .doc = "The control API."},
    Key{.path = "control.socket",
        .type = path,
        .fallback = "/run/siding/control.sock",
        .reload = Reload::restart,
        .doc = "The Unix socket that `siding` talks to."},
    Key{.path = "control.http",
        .type = endpoint,
        .example = "127.0.0.1:8025",
        .reload = Reload::restart,
        .doc = "A loopback address to serve the same API on, and /metrics and /healthz."},
    Key{.path = "control.token_file",
        .type = path,
        .example = "/etc/siding/token",
        .reload = Reload::restart,
        .doc = "File with the bearer token for `http`. Without it only /metrics and /healthz are "
               "served there."},
    Key{.path = "log", .type = group, .doc = "Log lines on standard error."},
    Key{.path = "log.level",
        .type = choice,
        .choices = "trace|debug|info|warn|error",
        .fallback = "info",
        .doc = "The least serious line that is written. `trace` shows the protocol."},
    Key{.path = "drain_timeout",
        .type = duration,
        .min = second,
        .max = 10 * minute,
        .fallback = "30s",
        .doc = "How long open sessions may finish at shutdown. Below TimeoutStopSec of the unit."},
    Key{.path = "threads",
        .type = threads,
        .min = 1,
        .max = 256,
        .fallback = "auto",
        .reload = Reload::restart,
        .doc = "Network threads; `auto` is one for each core."},
};

std::string join_choices(std::string_view choices) {
    const auto parts = split_choices(choices);
    std::string text{parts.front()};
    for (std::size_t i = 1; i < parts.size(); ++i) {
        text += i + 1 == parts.size() ? " or " : ", ";
        text += parts[i];
    }
    return text;
}

std::string duration_range(const Key& key) {
    return fmt::format(
        "from {} to {}",
        format_duration(std::chrono::milliseconds{key.min}),
        format_duration(std::chrono::milliseconds{key.max})
    );
}

}  // namespace

std::span<const Key> keys() {
    return table;
}

const Key* find_key(std::string_view path) {
    for (const Key& key : table) {
        if (key.path == path) {
            return &key;
        }
    }
    return nullptr;
}

std::vector<const Key*> children_of(std::string_view path) {
    std::vector<const Key*> children;
    for (const Key& key : table) {
        const auto leaf = leaf_of(key);
        const auto parent = key.path.substr(0, key.path.size() - leaf.size());
        const bool top = path.empty() && parent.empty();
        if (top ||
            (!path.empty() && parent.size() == path.size() + 1 && parent.starts_with(path))) {
            children.push_back(&key);
        }
    }
    return children;
}

std::string_view leaf_of(const Key& key) {
    return key.path.substr(key.path.rfind('.') + 1);
}

std::vector<std::string_view> split_choices(std::string_view text) {
    std::vector<std::string_view> parts;
    for (auto bar = text.find('|'); bar != std::string_view::npos; bar = text.find('|')) {
        parts.push_back(text.substr(0, bar));
        text.remove_prefix(bar + 1);
    }
    parts.push_back(text);
    return parts;
}

std::string allowed_values(const Key& key) {
    switch (key.type) {
    case group:
        return "keys below it";
    case map:
        return "names, each with keys below it";
    case list:
        return "a list of entries with keys";
    case hostname:
        return "a full name, such as hold.example.net";
    case path:
        return "an absolute path";
    case endpoint:
        return "host:port";
    case size:
        return fmt::format("a size from {} to {}", format_size(key.min), format_size(key.max));
    case duration:
        return "a duration " + duration_range(key);
    case durations:
        return "a list of durations, each " + duration_range(key);
    case count:
        return fmt::format("a number from {} to {}", key.min, key.max);
    case choice:
        return join_choices(key.choices);
    case reserve:
        return "auto, a size such as 2GiB, or a percentage such as 5%";
    case threads:
        return fmt::format("auto, or a number from {} to {}", key.min, key.max);
    }
    SIDING_UNREACHABLE("key type");
}

}  // namespace siding::config

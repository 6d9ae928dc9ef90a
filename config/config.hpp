// What the operator asked for, as checked values with defaults. config/load.hpp makes it from a
// file; config/schema.hpp says what each key means and what it may be. Immutable once loaded.
#pragma once

#include "base/domain.hpp"
#include "base/log.hpp"
#include "base/phase.hpp"
#include "config/endpoint.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace siding::config {

struct Listener {
    Endpoint address;  // an IP address; port 0 lets the system choose
    bool operator==(const Listener&) const = default;
};

struct Limits {
    std::uint64_t message_size_bytes = 50ull << 20;
    std::size_t recipients = 1000;  // of one transaction
    std::size_t connections = 10000;
    std::size_t connections_per_client = 50;
    std::size_t soft_errors = 10;  // from here on a session's replies are delayed
    std::size_t hard_errors = 20;  // here it ends with 421
    bool operator==(const Limits&) const = default;
};

enum class BareNewlines { normalize, reject };

struct Server {
    Endpoint address;
    std::size_t connections = 10;
    std::chrono::milliseconds connect_timeout = std::chrono::seconds{30};
    bool operator==(const Server&) const = default;
};

enum class RecipientPolicy { any };

struct DomainSettings {
    Phase phase = Phase::prep;  // first start only; afterwards the queue remembers it
    RecipientPolicy recipients = RecipientPolicy::any;
    bool operator==(const DomainSettings&) const = default;
};

struct Retry {
    // Waits after the first, second, … failure; the last one repeats for ever, nothing expires.
    std::vector<std::chrono::milliseconds> schedule = {
        std::chrono::minutes{1},
        std::chrono::minutes{5},
        std::chrono::minutes{10},
        std::chrono::minutes{20},
        std::chrono::minutes{40},
        std::chrono::hours{1}};
    bool operator==(const Retry&) const = default;
};

// Free space that new mail may not use, so that release, listing and deletion always have room.
class DiskReserve {
public:
    static DiskReserve automatic() { return DiskReserve{Kind::automatic, 0}; }
    static DiskReserve of_bytes(std::uint64_t bytes) { return DiskReserve{Kind::bytes, bytes}; }
    static DiskReserve of_percent(unsigned percent) { return DiskReserve{Kind::percent, percent}; }

    // Octets to keep free on a file system of that size.
    std::uint64_t bytes(std::uint64_t disk_size_bytes) const;

    static Result<DiskReserve> parse(std::string_view text);  // "auto", "2GiB", "5%"
    std::string text() const;

    bool operator==(const DiskReserve&) const = default;

private:
    enum class Kind { automatic, bytes, percent };
    DiskReserve(Kind kind, std::uint64_t amount) : kind_{kind}, amount_{amount} {}

    Kind kind_;
    std::uint64_t amount_;
};

struct Storage {
    DiskReserve disk_reserve = DiskReserve::automatic();
    bool operator==(const Storage&) const = default;
};

struct Control {
    std::string socket = "/run/siding/control.sock";
    std::optional<Endpoint> http;  // a loopback address
    std::optional<std::string> token_file;
    bool operator==(const Control&) const = default;
};

struct Log {
    LogLevel level = LogLevel::info;
    bool operator==(const Log&) const = default;
};

struct Config {
    std::string hostname;  // lower case, fully qualified
    std::string data_dir;  // absolute
    std::vector<Listener> listeners;
    Limits limits;
    BareNewlines bare_newlines = BareNewlines::normalize;
    std::map<std::string, Server> servers;
    std::map<Domain, DomainSettings> domains;
    Retry retry;
    Storage storage;
    Control control;
    Log log;
    std::chrono::milliseconds drain_timeout = std::chrono::seconds{30};
    std::optional<unsigned> threads;  // of the network; nothing: one per core

    bool operator==(const Config&) const = default;
};

}  // namespace siding::config

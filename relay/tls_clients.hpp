// The TLS contexts for connections to servers. Making one reads files, so it happens on a blocking
// thread, and the result is kept for a while: roots that were replaced are noticed without a
// restart. Lives on one executor.
#pragma once

#include "config/config.hpp"
#include "net/asio.hpp"
#include "net/tls_client.hpp"
#include "queue/queue.hpp"

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <tuple>

namespace siding::relay {

class TlsClients {
public:
    // The queue lends its blocking threads.
    explicit TlsClients(queue::Queue& queue) : queue_{queue} {}

    // By `tls`, `tls_name` and `ca_file` of the server, which outlives the call.
    net::awaitable<Result<std::shared_ptr<net::TlsClient>>> get(const config::Server& server);

private:
    // Whether to verify, which name, whose roots.
    using Key = std::tuple<bool, std::string, std::optional<std::string>>;
    struct Kept {
        std::shared_ptr<net::TlsClient> client;
        std::chrono::steady_clock::time_point made_at;
    };

    queue::Queue& queue_;
    std::map<Key, Kept> kept_;
};

}  // namespace siding::relay

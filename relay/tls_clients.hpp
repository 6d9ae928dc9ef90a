// The TLS contexts for connections to servers. Making one reads files, so it happens on a blocking
// thread, and the result is kept for a while: roots that were replaced are noticed without a
// restart. Lives on one executor.
#pragma once

#include "config/config.hpp"
#include "net/asio.hpp"
#include "net/tls_client.hpp"
#include "queue/queue.hpp"
#include "relay/next_hop.hpp"

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

namespace siding::relay {

// RFC 8689 §4.2.1: whether a session with it is safe enough for what requires TLS. Its certificate
// has been verified by PKIX or DANE, for a name that nobody can forge: an MX host is such a one
// with DNSSEC alone. A fingerprint is neither.
bool is_authenticated(const config::Server& server);

class TlsClients {
public:
    // The queue lends its blocking threads.
    explicit TlsClients(queue::Queue& queue) : queue_{queue} {}

    // As the server's `tls` says: whoever answers must be `tls_name`, or else the candidate, or
    // show one of the fingerprints, or what the TLSA records say. Both outlive the call.
    net::awaitable<Result<std::shared_ptr<net::TlsClient>>> get(
        const config::Server& server, const Candidate& candidate
    );
    // The first line of a file, for AUTH; never kept. The error names the file.
    net::awaitable<Result<std::string>> read_secret(std::string path);

private:
    // What TlsClient::Options say, in their order.
    using Key = std::tuple<
        bool,
        std::string,
        std::optional<std::string>,
        std::vector<std::string>,
        std::vector<net::TlsaRecord>,
        std::vector<std::string>>;
    struct Kept {
        std::shared_ptr<net::TlsClient> client;
        std::chrono::steady_clock::time_point made_at;
    };

    queue::Queue& queue_;
    std::map<Key, Kept> kept_;
};

}  // namespace siding::relay

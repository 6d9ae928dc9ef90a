// Sends messages of the store over one connection to a server: send() may be called again while
// earlier calls wait, up to window() of them, and the messages go out in the order of the calls.
// Lives on one io thread.
#pragma once

#include "queue/queue.hpp"
#include "relay/client_connection.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace siding::relay {

class OutboundSession {
public:
    struct Sent {
        std::vector<smtp::Verdict> verdicts;  // one for each recipient of the transaction
        // The stored octets could not be read or are not what was stored; the server never got the
        // last of them, and the verdicts are transient.
        std::optional<Error> body_error;
    };

    OutboundSession(queue::Queue& queue, TlsClients& tls_clients, std::string hostname)
        : queue_{queue}, connection_{tls_clients, std::move(hostname)} {}

    // As ClientConnection::open.
    net::awaitable<std::optional<smtp::Verdict>> open(
        const config::Server& server,
        const std::vector<Candidate>& candidates,
        std::optional<net::Endpoint> client = {}
    ) {
        return connection_.open(server, candidates, std::move(client));
    }
    net::awaitable<std::optional<smtp::Verdict>> open(const config::Server& server) {
        return connection_.open(server);
    }

    // Transactions that may be under way at once; at least 1.
    std::size_t window() const { return connection_.window(); }

    // The arguments live until it is done. `first_chunk` is checked already where it is all.
    net::awaitable<Sent> send(
        const queue::Envelope& envelope, std::string_view first_chunk, smtp::Transaction transaction
    );

    // When nothing is under way.
    net::awaitable<void> close() { return connection_.close(); }

    // For one more send().
    bool is_usable() const { return connection_.is_usable(); }
    bool is_idle() const { return connection_.is_idle(); }
    bool is_tls() const { return connection_.is_tls(); }
    // Of one transaction; at least 1.
    std::size_t recipients_max() const { return connection_.recipients_max(); }
    bool leads_to(const config::Server& server) const { return connection_.leads_to(server); }
    bool speaks_for(const std::optional<net::Endpoint>& client) const {
        return connection_.speaks_for(client);
    }
    const std::string& peer() const { return connection_.peer(); }
    const std::string& tls() const { return connection_.tls(); }
    const std::string& greeting() const { return connection_.greeting(); }
    const std::string& server_name() const { return connection_.server_name(); }

private:
    queue::Queue& queue_;
    ClientConnection connection_;
};

}  // namespace siding::relay

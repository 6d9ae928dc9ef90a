// Sends messages of the store over one connection to a server. Lives on one io thread, used by one
// worker.
#pragma once

#include "queue/queue.hpp"
#include "relay/client_connection.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace siding::relay {

class OutboundSession final : private BodySource {
public:
    OutboundSession(queue::Queue& queue, TlsClients& tls_clients, std::string hostname)
        : queue_{queue}, connection_{tls_clients, std::move(hostname)} {}

    // As ClientConnection::open.
    net::awaitable<std::optional<smtp::Verdict>> open(const config::Server& server) {
        return connection_.open(server);
    }

    // One verdict for each recipient of the transaction.
    net::awaitable<std::vector<smtp::Verdict>> send(
        const queue::Envelope& envelope, std::string_view first_chunk, smtp::Transaction transaction
    );
    // Set when the stored octets could not be read or are not what was stored; the server never got
    // the last of them then.
    const std::optional<Error>& body_error() const { return body_error_; }

    net::awaitable<void> close() { return connection_.close(); }

    bool is_usable() const { return connection_.is_usable(); }
    bool is_tls() const { return connection_.is_tls(); }
    // Of one transaction; at least 1.
    std::size_t recipients_max() const { return connection_.recipients_max(); }
    bool leads_to(const config::Server& server) const { return connection_.leads_to(server); }
    const std::string& peer() const { return connection_.peer(); }

private:
    class Wire;

    net::awaitable<Result<std::string>> write_body(net::Stream& stream, bool is_chunked) override;
    net::awaitable<Result<void>> write_chunks(net::Stream& stream, Wire& wire);
    Error fail_body(Error error);

    queue::Queue& queue_;
    ClientConnection connection_;
    const queue::Envelope* envelope_ = nullptr;  // of the transaction under way
    std::string_view first_chunk_;               // of its body
    std::optional<Error> body_error_;
};

}  // namespace siding::relay

// One connection to a server, in the clear or with TLS: does what the smtp client dialogue says,
// transaction after transaction, probe after probe. Holds no protocol decisions and knows no store.
// Lives on one io thread, used by one coroutine at a time.
#pragma once

#include "config/config.hpp"
#include "net/stream.hpp"
#include "relay/tls_clients.hpp"
#include "smtp/client_dialogue.hpp"

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace siding::relay {

// The octets of the message under way.
class BodySource {
public:
    virtual ~BodySource() = default;
    // Writes all but the last octets and gives those back, with the terminator where one belongs:
    // they go through the dialogue, which marks the point of no return. On an error the server
    // never gets them.
    virtual net::awaitable<Result<std::string>> write_body(
        net::Stream& stream, bool is_chunked
    ) = 0;
};

class ClientConnection {
public:
    ClientConnection(TlsClients& tls_clients, std::string hostname);

    // Connects, greets, starts TLS as the server's `tls` says. What it gives back on failure is
    // about the server, never about a message.
    net::awaitable<std::optional<smtp::Verdict>> open(const config::Server& server);

    // One verdict for each recipient.
    net::awaitable<std::vector<smtp::Verdict>> send(
        smtp::Transaction transaction, BodySource& source
    );
    net::awaitable<std::vector<smtp::Verdict>> probe(smtp::Probe probe);

    // QUIT, if the server still listens.
    net::awaitable<void> close();

    // False after a loss, when the server has closed or spoken while nothing was asked, and when it
    // takes no more transactions (RFC 9422 MAILMAX).
    bool is_usable() const { return is_idle() && !dialogue_.is_spent(); }
    std::size_t recipients_max() const { return dialogue_.recipients_max(); }
    bool is_tls() const { return dialogue_.is_tls(); }

    // Whether a reload has left this way to the server as it was at open().
    bool leads_to(const config::Server& server) const;
    const std::string& peer() const { return peer_; }

private:
    net::awaitable<std::optional<smtp::Verdict>> connect(smtp::ClientTls tls);
    net::awaitable<smtp::ClientStep> perform(smtp::ClientStep step);
    net::awaitable<smtp::ClientStep> advance(smtp::ClientAction action);
    net::awaitable<Result<smtp::Reply>> read_reply(std::chrono::milliseconds timeout);
    net::awaitable<smtp::ClientStep> start_tls();
    net::awaitable<smtp::ClientStep> send_body(bool is_chunked);
    bool is_idle() const;

    TlsClients& tls_clients_;
    std::string hostname_;
    config::Server server_;
    std::shared_ptr<net::TlsClient> tls_client_;
    smtp::ClientDialogue dialogue_;
    std::optional<net::Stream> stream_;
    std::string peer_;
    smtp::ReplyParser parser_;
    std::string unread_;            // octets behind the last reply
    BodySource* source_ = nullptr;  // of the transaction under way
};

}  // namespace siding::relay

// One connection to a server: does what the smtp client dialogue says, transaction after
// transaction. Holds no protocol decisions. Lives on one io thread, used by one worker.
#pragma once

#include "config/config.hpp"
#include "net/stream.hpp"
#include "queue/queue.hpp"
#include "smtp/client_dialogue.hpp"
#include "smtp/data_codec.hpp"

#include <optional>
#include <string>
#include <vector>

namespace siding::relay {

class OutboundSession {
public:
    OutboundSession(queue::Queue& queue, std::string hostname)
        : queue_{queue}, dialogue_{{.hostname = std::move(hostname)}} {}

    // Connects and greets. What it gives back on failure is about the server, never about a
    // message.
    net::awaitable<std::optional<smtp::Verdict>> open(const config::Server& server);

    // One verdict for each recipient of the transaction.
    net::awaitable<std::vector<smtp::Verdict>> send(
        const queue::Envelope& envelope, std::string_view first_chunk, smtp::Transaction transaction
    );
    // Set when the stored octets could not be read or are not what was stored; the server got no
    // terminator then.
    const std::optional<Error>& body_error() const { return body_error_; }

    // QUIT, if the server still listens.
    net::awaitable<void> close();

    // False after a loss, and when the server has closed or spoken while nothing was asked.
    bool is_usable() const;
    // Whether a reload has given the server another address since open().
    bool leads_to(const config::Server& server) const { return server.address == target_; }
    std::string peer() const { return peer_; }

private:
    net::awaitable<smtp::ClientStep> perform(smtp::ClientStep step);
    net::awaitable<Result<smtp::Reply>> read_reply(std::chrono::milliseconds timeout);
    net::awaitable<smtp::ClientStep> send_body();
    net::awaitable<Result<std::string>> encode_body(smtp::DataEncoder& encoder);

    queue::Queue& queue_;
    smtp::ClientDialogue dialogue_;
    std::optional<net::Stream> stream_;
    config::Endpoint target_;
    std::string peer_;
    smtp::ReplyParser parser_;
    std::string unread_;                         // octets behind the last reply
    const queue::Envelope* envelope_ = nullptr;  // of the transaction under way
    std::string_view first_chunk_;               // of its body
    std::optional<Error> body_error_;
};

}  // namespace siding::relay

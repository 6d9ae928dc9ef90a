// What the queue keeps of a transaction: the client's words, who the client is, our Received line,
// and where each recipient goes. Pure.
#pragma once

#include "net/tls_facts.hpp"
#include "queue/envelope.hpp"
#include "relay/admission.hpp"
#include "relay/client.hpp"
#include "relay/filter_verdict.hpp"
#include "relay/inbound_listener.hpp"
#include "relay/message_body.hpp"
#include "relay/pass_verdict.hpp"
#include "relay/router.hpp"
#include "smtp/server_dialogue.hpp"

#include <algorithm>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace siding::relay {

// A recipient that was accepted at RCPT.
struct InboundRecipient {
    explicit InboundRecipient(Admitted who) : admitted{std::move(who)} {}

    std::size_t names() const { return std::max<std::size_t>(admitted.rewritten_to.size(), 1); }

    Admitted admitted;
    Destination destination{};
    const Passed* passed = nullptr;  // how it fared with its server, where that was asked
};

struct EnvelopeFacts {
    const smtp::Envelope& said;
    std::span<const InboundRecipient> recipients;  // one for each that was said
    const Client& client;
    const net::TlsFacts* tls;  // null without TLS
    const InboundListener& listener;
    const std::string& hostname;
    WallTime received_at;
};

// The body's size, chunks and digest are the intake's to say. A rewritten recipient becomes its new
// names, each with the client's parameters and its own word as `original`.
queue::Envelope make_envelope(const EnvelopeFacts& facts, MessageBody& body);

// The filter's fields stand below our Received line, in the trace block; the message stays.
void add_verdict(queue::Envelope& envelope, const FilterVerdict& verdict);

// What makes an exception of a message on hold (relay/express.hpp).
struct ExpressQuestion {
    const config::Config& config;
    std::string_view header_section;
    std::uint64_t size_octets = 0;
};

// One for each recipient of the envelope, in their order. The servers of pass_* phases have said
// what they say.
std::vector<queue::Placement> make_placements(
    const queue::Envelope& envelope,
    std::span<const InboundRecipient> recipients,
    const ExpressQuestion& question
);

// A parallel run's copies: the recipients again, behind the others, due on another server whatever
// the phase will be.
void add_copies(
    queue::Envelope& envelope,
    std::vector<queue::Placement>& placements,
    std::span<const InboundRecipient> recipients
);

}  // namespace siding::relay

// What the queue keeps of a transaction: the client's words, who the client is, and our Received
// line. Pure.
#pragma once

#include "net/tls_facts.hpp"
#include "queue/envelope.hpp"
#include "relay/admission.hpp"
#include "relay/client.hpp"
#include "relay/filter_verdict.hpp"
#include "relay/inbound_listener.hpp"
#include "relay/message_body.hpp"
#include "smtp/server_dialogue.hpp"

#include <optional>
#include <span>
#include <string>
#include <vector>

namespace siding::relay {

struct EnvelopeFacts {
    const smtp::Envelope& said;
    std::span<const Admitted> admitted;  // one for each recipient that was said
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

// One for each recipient of the envelope, in their order.
std::vector<queue::Placement> make_placements(
    const Admission& admission, std::span<const Admitted> admitted
);

}  // namespace siding::relay

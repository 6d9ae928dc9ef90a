#include "relay/inbound_envelope.hpp"

#include "queue/retry.hpp"
#include "relay/express.hpp"
#include "smtp/trace_header.hpp"

#include <algorithm>

namespace siding::relay {
namespace {

constexpr const char* express_server = "new";

std::vector<queue::EnvelopeRecipient> make_recipients(
    const smtp::Envelope::Recipient& said, const Admitted& admitted
) {
    queue::EnvelopeRecipient recipient{
        said.path.text, said.parameters.verbatim, admitted.domain, admitted.wave};
    if (admitted.rewritten_to.empty()) {
        return {recipient};
    }
    recipient.original = said.path.text;
    std::vector<queue::EnvelopeRecipient> out;
    for (const std::string& address : admitted.rewritten_to) {
        recipient.address = address;
        out.push_back(recipient);
    }
    return out;
}

std::optional<smtp::TraceTls> make_trace_tls(
    const net::TlsFacts* tls, const InboundListener& listener
) {
    if (tls == nullptr) {
        return std::nullopt;
    }
    return smtp::TraceTls{
        .version = tls->version,
        .cipher = tls->cipher,
        .bits = tls->cipher_bits,
        .client_certificate_requested = listener.settings().client_certificates,
        .client_name = tls->peer_name,
        .client_issuer = tls->peer_issuer,
        .client_verified = tls->peer_verified,
    };
}

std::string make_trace_header(const EnvelopeFacts& facts, MessageId id) {
    const smtp::Envelope& said = facts.said;
    return smtp::format_trace_header({
        .helo = said.helo,
        .peer_name = facts.client.name,
        .peer_address = facts.client.endpoint.address,
        .hostname = facts.hostname,
        .protocol =
            smtp::protocol_of({said.is_esmtp, facts.tls != nullptr, said.mail_parameters.smtputf8}),
        .id = id.text(),
        .recipient = said.recipients.size() == 1 ? std::optional{said.recipients.front().path.text}
                                                 : std::nullopt,
        .date = format_rfc5322_date(facts.received_at),
        .tls = make_trace_tls(facts.tls, facts.listener),
    });
}

queue::Placement place_asked(
    Passed passed, const config::Config& config, RecipientId id, WallTime now
) {
    std::vector<std::chrono::seconds> steps;
    for (const auto step : config.retry.schedule) {
        steps.push_back(std::chrono::ceil<std::chrono::seconds>(step));
    }
    passed.next_attempt_at = queue::RetrySchedule{std::move(steps)}.next_attempt(1, id, now);
    return place_passed(passed);
}

queue::Placement place_unasked(
    const Destination& destination, const config::Config& config, const ExpressFacts& facts
) {
    queue::Placement placement;
    if (destination.way != Destination::Way::hold) {
        placement.state = queue::State::due;
        placement.lane = destination.server;
    } else if (is_express(config, facts)) {
        placement.state = queue::State::due;
        placement.lane = express_server;
        placement.pinned = true;
    }
    return placement;
}

}  // namespace

queue::Envelope make_envelope(const EnvelopeFacts& facts, MessageBody& body) {
    const smtp::Envelope& said = facts.said;
    queue::Envelope envelope;
    envelope.id = body.intake().id();
    envelope.received_at = facts.received_at;
    envelope.reverse_path = said.reverse_path.text;
    envelope.mail_parameters = said.mail_parameters.verbatim;
    for (std::size_t i = 0; i < said.recipients.size(); ++i) {
        std::ranges::move(
            make_recipients(said.recipients[i], facts.recipients[i].admitted),
            std::back_inserter(envelope.recipients)
        );
    }
    envelope.client_address = facts.client.endpoint.address;
    envelope.client_name = facts.client.name;
    envelope.proxy_address = facts.client.proxy_address;
    envelope.listener = facts.listener.name();
    if (facts.tls != nullptr) {
        envelope.tls = facts.tls->version + " " + facts.tls->cipher;
        envelope.tls_peer = facts.tls->peer_fingerprint;
    }
    envelope.helo = said.helo;
    envelope.message_id_header = body.message_id_header();
    envelope.body.bare_newlines = static_cast<std::uint32_t>(body.bare_newlines());
    envelope.body.declared_8bit = said.mail_parameters.body == smtp::Body::eight_bit_mime;
    envelope.body.binary = said.mail_parameters.body == smtp::Body::binary_mime;
    envelope.trace_header = make_trace_header(facts, body.intake().id());
    return envelope;
}

void add_verdict(queue::Envelope& envelope, const FilterVerdict& verdict) {
    envelope.trace_header += verdict.headers;
    envelope.tags = verdict.tags;
    envelope.spam_score = verdict.score;
}

std::vector<queue::Placement> make_placements(
    const queue::Envelope& envelope,
    std::span<const InboundRecipient> recipients,
    const ExpressQuestion& question
) {
    std::vector<queue::Placement> placements;
    for (const InboundRecipient& recipient : recipients) {
        for (std::size_t i = 0; i < recipient.names(); ++i) {
            const auto& to = envelope.recipients.at(placements.size());
            const RecipientId id{envelope.id, static_cast<std::uint32_t>(placements.size())};
            const ExpressFacts facts{
                envelope.reverse_path, to.address, question.header_section, question.size_octets};
            placements.push_back(
                recipient.passed != nullptr
                    ? place_asked(*recipient.passed, question.config, id, envelope.received_at)
                    : place_unasked(recipient.destination, question.config, facts)
            );
        }
    }
    return placements;
}

void add_copies(
    queue::Envelope& envelope,
    std::vector<queue::Placement>& placements,
    std::span<const InboundRecipient> recipients
) {
    std::size_t first = 0;
    for (const InboundRecipient& recipient : recipients) {
        for (std::size_t i = first; i < first + recipient.names(); ++i) {
            if (recipient.destination.copy.empty()) {
                continue;
            }
            queue::EnvelopeRecipient copy = envelope.recipients.at(i);
            copy.copy = true;
            envelope.recipients.push_back(std::move(copy));
            queue::Placement placement;
            placement.state = queue::State::due;
            placement.lane = recipient.destination.copy;
            placement.pinned = true;
            placements.push_back(std::move(placement));
        }
        first += recipient.names();
    }
}

}  // namespace siding::relay

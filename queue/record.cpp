#include "queue/record.hpp"

#include "queue/record_codec.hpp"

#include <algorithm>
#include <cmath>

namespace siding::queue {
namespace {

// A filter's score is a small number; what is not one must not become any number.
constexpr double score_max = 1e9;

std::int64_t to_milli(double score) {
    return std::isfinite(score) ? std::llround(std::clamp(score, -score_max, score_max) * 1000) : 0;
}

}  // namespace

std::string encode(const Envelope& envelope) {
    pb::Envelope out;
    out.set_id(envelope.id.value());
    out.set_received_at_ms(to_millis(envelope.received_at));
    out.set_reverse_path(envelope.reverse_path);
    put_texts(envelope.mail_parameters, *out.mutable_mail_parameters());
    for (const EnvelopeRecipient& recipient : envelope.recipients) {
        pb::EnvelopeRecipient& row = *out.add_recipients();
        row.set_address(recipient.address);
        put_texts(recipient.parameters, *row.mutable_parameters());
        row.set_domain(recipient.domain.text());
        row.set_wave(recipient.wave);
        row.set_original(recipient.original);
        row.set_copy(recipient.copy);
    }
    out.set_client_address(envelope.client_address);
    out.set_helo(envelope.helo);
    out.set_trace_header(envelope.trace_header);
    out.set_message_id_header(envelope.message_id_header);
    out.set_size_octets(envelope.body.size_octets);
    out.set_sha256(envelope.body.sha256);
    out.set_chunks(envelope.body.chunks);
    out.set_bare_newlines(envelope.body.bare_newlines);
    out.set_declared_8bit(envelope.body.declared_8bit);
    out.set_binary(envelope.body.binary);
    out.set_client_name(envelope.client_name);
    out.set_proxy_address(envelope.proxy_address);
    out.set_listener(envelope.listener);
    out.set_tls(envelope.tls);
    out.set_tls_peer(envelope.tls_peer);
    put_texts(envelope.tags, *out.mutable_tags());
    if (envelope.spam_score) {
        out.set_spam_score_milli(to_milli(*envelope.spam_score));
    }
    return seal_record(out);
}

Result<Envelope> decode_envelope(std::string_view stored, std::string_view name) {
    SIDING_ASSIGN(const pb::Envelope in, parse_record<pb::Envelope>(stored, name));
    Envelope envelope;
    envelope.id = MessageId{in.id()};
    envelope.received_at = from_millis(in.received_at_ms());
    envelope.reverse_path = in.reverse_path();
    envelope.mail_parameters = to_texts(in.mail_parameters());
    for (const pb::EnvelopeRecipient& row : in.recipients()) {
        SIDING_ASSIGN(Domain domain, Domain::parse(row.domain()));
        envelope.recipients.push_back({
            row.address(),
            to_texts(row.parameters()),
            std::move(domain),
            row.wave(),
            row.original(),
            row.copy(),
        });
    }
    envelope.client_address = in.client_address();
    envelope.helo = in.helo();
    envelope.trace_header = in.trace_header();
    envelope.message_id_header = in.message_id_header();
    envelope.body.size_octets = in.size_octets();
    envelope.body.sha256 = in.sha256();
    envelope.body.chunks = in.chunks();
    envelope.body.bare_newlines = in.bare_newlines();
    envelope.body.declared_8bit = in.declared_8bit();
    envelope.body.binary = in.binary();
    envelope.client_name = in.client_name();
    envelope.proxy_address = in.proxy_address();
    envelope.listener = in.listener();
    envelope.tls = in.tls();
    envelope.tls_peer = in.tls_peer();
    envelope.tags = to_texts(in.tags());
    if (in.has_spam_score_milli()) {
        envelope.spam_score = static_cast<double>(in.spam_score_milli()) / 1000;
    }
    return envelope;
}

std::string encode(const RecipientRow& row) {
    const Recipient& recipient = row.recipient;
    pb::Recipient out;
    out.set_state(static_cast<std::uint32_t>(recipient.state) + 1);
    out.set_domain(recipient.domain.text());
    out.set_wave(recipient.wave);
    out.set_address(recipient.address);
    out.set_sender(recipient.sender);
    out.set_size_octets(recipient.size_octets);
    out.set_lane(recipient.lane);
    out.set_pinned_server(recipient.pinned_server);
    out.set_due_at_ms(to_millis(recipient.due_at));
    out.set_attempts(recipient.attempts);
    out.set_last_attempt_at_ms(to_millis(recipient.last_attempt_at));
    out.set_last_reply(recipient.last_reply);
    out.set_maybe_delivered(recipient.maybe_delivered);
    out.set_release_id(recipient.release_id);
    out.set_kept(recipient.kept);
    put_texts(recipient.tags, *out.mutable_tags());
    out.set_copy(recipient.copy);
    out.set_cause(recipient.cause);
    out.set_ended_at_ms(to_millis(recipient.ended_at));
    out.set_siblings(row.siblings);
    out.set_chunks(row.chunks);
    return seal_record(out);
}

Result<RecipientRow> decode_recipient(std::string_view stored, RecipientId id) {
    const std::string name = "recipient/" + id.text();
    SIDING_ASSIGN(const pb::Recipient in, parse_record<pb::Recipient>(stored, name));
    if (in.state() < 1 || in.state() > all_states.size()) {
        return make_corrupt(name, "unknown state");
    }
    SIDING_ASSIGN(Domain domain, Domain::parse(in.domain()));
    return RecipientRow{
        Recipient{
            .id = id,
            .state = static_cast<State>(in.state() - 1),
            .domain = std::move(domain),
            .wave = in.wave(),
            .address = in.address(),
            .sender = in.sender(),
            .size_octets = in.size_octets(),
            .lane = in.lane(),
            .pinned_server = in.pinned_server(),
            .due_at = from_millis(in.due_at_ms()),
            .attempts = in.attempts(),
            .last_attempt_at = from_millis(in.last_attempt_at_ms()),
            .last_reply = in.last_reply(),
            .maybe_delivered = in.maybe_delivered(),
            .release_id = in.release_id(),
            .kept = in.kept(),
            .tags = to_texts(in.tags()),
            .copy = in.copy(),
            .cause = in.cause(),
            .ended_at = from_millis(in.ended_at_ms()),
        },
        in.siblings(),
        in.chunks(),
    };
}

std::string encode(const StateCounts& counts) {
    pb::StateCounts out;
    for (const std::uint64_t count : counts.by_state) {
        out.add_by_state(count);
    }
    out.set_held_octets(counts.held_octets);
    out.set_kept(counts.kept);
    out.set_retained(counts.retained);
    out.set_retained_octets(counts.retained_octets);
    out.set_replayed(counts.replayed);
    return seal_record(out);
}

Result<StateCounts> decode_counts(std::string_view stored, std::string_view name) {
    SIDING_ASSIGN(const pb::StateCounts in, parse_record<pb::StateCounts>(stored, name));
    StateCounts counts;
    if (in.by_state_size() != static_cast<int>(counts.by_state.size())) {
        return make_corrupt(name, "wrong number of states");
    }
    std::copy(in.by_state().begin(), in.by_state().end(), counts.by_state.begin());
    counts.held_octets = in.held_octets();
    counts.kept = in.kept();
    counts.retained = in.retained();
    counts.retained_octets = in.retained_octets();
    counts.replayed = in.replayed();
    return counts;
}

std::string encode(const Tail& tail) {
    pb::Tail out;
    out.set_commit_sequence(tail.commit_sequence);
    out.set_last_id(tail.last_id.value());
    out.set_ledger_sequence(tail.ledger_sequence);
    out.set_ledger_chain(tail.ledger_chain);
    out.set_epoch(tail.epoch);
    out.set_last_release(tail.last_release);
    out.set_retained_messages(tail.retained.messages);
    out.set_retained_octets(tail.retained.octets);
    return seal_record(out);
}

Result<Tail> decode_tail(std::string_view stored) {
    SIDING_ASSIGN(const pb::Tail in, parse_record<pb::Tail>(stored, "meta/tail"));
    return Tail{
        in.commit_sequence(),
        MessageId{in.last_id()},
        in.ledger_sequence(),
        in.ledger_chain(),
        in.epoch(),
        in.last_release(),
        {in.retained_messages(), in.retained_octets()},
    };
}

}  // namespace siding::queue

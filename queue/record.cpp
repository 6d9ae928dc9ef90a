#include "queue/record.hpp"

#include "queue/frame.hpp"
#include "queue/records.pb.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>

namespace siding::queue {
namespace {

constexpr std::size_t chain_octets = 32;

std::int64_t to_millis(WallTime time) {
    return time.time_since_epoch().count();
}
WallTime from_millis(std::int64_t millis) {
    return WallTime{std::chrono::milliseconds{millis}};
}

template <typename Message>
Result<Message> parse(std::string_view stored, std::string_view name) {
    SIDING_ASSIGN(const std::string_view payload, unseal(stored, name));
    Message message;
    if (!message.ParseFromArray(payload.data(), static_cast<int>(payload.size()))) {
        return make_corrupt(name, "not a protobuf of its kind");
    }
    return message;
}

template <typename Message>
std::string seal_message(const Message& message) {
    std::string out(frame_octets, '\0');
    message.AppendToString(&out);
    std::ranges::copy(make_frame_head(std::string_view{out}.substr(frame_octets)), out.begin());
    return out;
}

void put_filter(const Filter& filter, pb::Filter& out) {
    if (filter.domain) {
        out.set_domain(filter.domain->text());
    }
    if (filter.wave) {
        out.set_wave(*filter.wave);
    }
    if (filter.recipient) {
        out.set_recipient(*filter.recipient);
    }
    if (filter.sender) {
        out.set_sender(*filter.sender);
    }
    if (filter.state) {
        out.set_state(static_cast<std::uint32_t>(*filter.state));
    }
    if (filter.since) {
        out.set_since_ms(to_millis(*filter.since));
    }
    if (filter.before) {
        out.set_before_ms(to_millis(*filter.before));
    }
    if (filter.larger_octets) {
        out.set_larger_octets(*filter.larger_octets);
    }
    if (filter.message) {
        out.set_message(filter.message->value());
    }
    if (filter.recipient_number) {
        out.set_recipient_number(*filter.recipient_number);
    }
    if (filter.limit) {
        out.set_limit(*filter.limit);
    }
    if (filter.up_to) {
        out.set_up_to(filter.up_to->value());
    }
    if (filter.kept) {
        out.set_kept(*filter.kept);
    }
}

Result<Filter> get_filter(const pb::Filter& in) {
    Filter filter;
    if (in.has_domain()) {
        SIDING_ASSIGN(filter.domain, Domain::parse(in.domain()));
    }
    if (in.has_wave()) {
        filter.wave = in.wave();
    }
    if (in.has_recipient()) {
        filter.recipient = in.recipient();
    }
    if (in.has_sender()) {
        filter.sender = in.sender();
    }
    if (in.has_state()) {
        if (in.state() >= all_states.size()) {
            return Error{Errc::corrupt, "release job: unknown state"};
        }
        filter.state = static_cast<State>(in.state());
    }
    if (in.has_since_ms()) {
        filter.since = from_millis(in.since_ms());
    }
    if (in.has_before_ms()) {
        filter.before = from_millis(in.before_ms());
    }
    if (in.has_larger_octets()) {
        filter.larger_octets = in.larger_octets();
    }
    if (in.has_message()) {
        filter.message = MessageId{in.message()};
    }
    if (in.has_recipient_number()) {
        filter.recipient_number = in.recipient_number();
    }
    if (in.has_limit()) {
        filter.limit = in.limit();
    }
    if (in.has_up_to()) {
        filter.up_to = MessageId{in.up_to()};
    }
    if (in.has_kept()) {
        filter.kept = in.kept();
    }
    return filter;
}

}  // namespace

std::string encode(const Envelope& envelope) {
    pb::Envelope out;
    out.set_id(envelope.id.value());
    out.set_received_at_ms(to_millis(envelope.received_at));
    out.set_reverse_path(envelope.reverse_path);
    for (const std::string& parameter : envelope.mail_parameters) {
        out.add_mail_parameters(parameter);
    }
    for (const EnvelopeRecipient& recipient : envelope.recipients) {
        pb::EnvelopeRecipient& row = *out.add_recipients();
        row.set_address(recipient.address);
        for (const std::string& parameter : recipient.parameters) {
            row.add_parameters(parameter);
        }
        row.set_domain(recipient.domain.text());
        row.set_wave(recipient.wave);
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
    return seal_message(out);
}

Result<Envelope> decode_envelope(std::string_view stored, std::string_view name) {
    SIDING_ASSIGN(const pb::Envelope in, parse<pb::Envelope>(stored, name));
    Envelope envelope;
    envelope.id = MessageId{in.id()};
    envelope.received_at = from_millis(in.received_at_ms());
    envelope.reverse_path = in.reverse_path();
    envelope.mail_parameters.assign(in.mail_parameters().begin(), in.mail_parameters().end());
    for (const pb::EnvelopeRecipient& row : in.recipients()) {
        SIDING_ASSIGN(Domain domain, Domain::parse(row.domain()));
        envelope.recipients.push_back({
            row.address(),
            {row.parameters().begin(), row.parameters().end()},
            std::move(domain),
            row.wave(),
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
    out.set_siblings(row.siblings);
    out.set_chunks(row.chunks);
    return seal_message(out);
}

Result<RecipientRow> decode_recipient(std::string_view stored, RecipientId id) {
    const std::string name = "recipient/" + id.text();
    SIDING_ASSIGN(const pb::Recipient in, parse<pb::Recipient>(stored, name));
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
    return seal_message(out);
}

Result<StateCounts> decode_counts(std::string_view stored, std::string_view name) {
    SIDING_ASSIGN(const pb::StateCounts in, parse<pb::StateCounts>(stored, name));
    StateCounts counts;
    if (in.by_state_size() != static_cast<int>(counts.by_state.size())) {
        return make_corrupt(name, "wrong number of states");
    }
    std::copy(in.by_state().begin(), in.by_state().end(), counts.by_state.begin());
    counts.held_octets = in.held_octets();
    counts.kept = in.kept();
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
    return seal_message(out);
}

Result<Tail> decode_tail(std::string_view stored) {
    SIDING_ASSIGN(const pb::Tail in, parse<pb::Tail>(stored, "meta/tail"));
    return Tail{
        in.commit_sequence(),
        MessageId{in.last_id()},
        in.ledger_sequence(),
        in.ledger_chain(),
        in.epoch(),
        in.last_release(),
    };
}

std::string encode(const ReleaseJob& job) {
    pb::ReleaseJob out;
    out.set_id(job.id);
    put_filter(job.filter, *out.mutable_filter());
    out.set_server(job.server);
    out.set_pinned(job.pinned);
    out.set_ordered_at_ms(to_millis(job.ordered_at));
    out.set_who(job.who);
    out.set_chosen(job.chosen);
    out.set_complete(job.complete);
    return seal_message(out);
}

Result<ReleaseJob> decode_release(std::string_view stored) {
    SIDING_ASSIGN(const pb::ReleaseJob in, parse<pb::ReleaseJob>(stored, "meta/release"));
    SIDING_ASSIGN(Filter filter, get_filter(in.filter()));
    return ReleaseJob{
        in.id(),
        std::move(filter),
        in.server(),
        in.pinned(),
        from_millis(in.ordered_at_ms()),
        in.who(),
        in.chosen(),
        in.complete(),
    };
}

std::string encode_ledger(LedgerEntry& entry, const Digest& previous) {
    pb::LedgerEntry out;
    out.set_at_ms(to_millis(entry.at));
    out.set_kind(static_cast<std::uint32_t>(entry.kind) + 1);
    out.set_message(entry.recipient.message.value());
    out.set_number(entry.recipient.number);
    for (const AcceptedRecipient& recipient : entry.recipients) {
        pb::AcceptedRecipient& row = *out.add_recipients();
        row.set_address(recipient.address);
        row.set_domain(recipient.domain);
        row.set_wave(recipient.wave);
    }
    out.set_sender(entry.sender);
    out.set_client_address(entry.client_address);
    out.set_message_id_header(entry.message_id_header);
    out.set_size_octets(entry.size_octets);
    out.set_sha256(entry.sha256);
    out.set_bare_newlines(entry.bare_newlines);
    out.set_address(entry.address);
    out.set_server(entry.server);
    out.set_peer(entry.peer);
    out.set_reply(entry.reply);
    out.set_who(entry.who);
    out.set_from_state(entry.from_state);
    out.set_to_state(entry.to_state);
    out.set_epoch(entry.epoch);
    out.set_quarantined_key(entry.quarantined_key);
    std::string stored = seal_message(out);
    entry.chain = chain_of(previous, stored);
    stored += entry.chain;
    return stored;
}

Result<LedgerEntry> decode_ledger(
    std::string_view stored, std::uint64_t sequence, const Digest* previous
) {
    const std::string name = fmt::format("ledger/{}", sequence);
    if (stored.size() < chain_octets) {
        return make_corrupt(name, "too short");
    }
    const std::string_view frame = stored.substr(0, stored.size() - chain_octets);
    const std::string_view chain = stored.substr(frame.size());
    if (previous != nullptr && chain_of(*previous, frame) != chain) {
        return make_corrupt(name, "it does not chain to the line before it");
    }
    SIDING_ASSIGN(const pb::LedgerEntry in, parse<pb::LedgerEntry>(frame, name));
    LedgerEntry entry;
    entry.sequence = sequence;
    entry.at = from_millis(in.at_ms());
    entry.kind = static_cast<LedgerKind>(in.kind() - 1);
    entry.recipient = {MessageId{in.message()}, in.number()};
    for (const pb::AcceptedRecipient& row : in.recipients()) {
        entry.recipients.push_back({row.address(), row.domain(), row.wave()});
    }
    entry.sender = in.sender();
    entry.client_address = in.client_address();
    entry.message_id_header = in.message_id_header();
    entry.size_octets = in.size_octets();
    entry.sha256 = in.sha256();
    entry.bare_newlines = in.bare_newlines();
    entry.address = in.address();
    entry.server = in.server();
    entry.peer = in.peer();
    entry.reply = in.reply();
    entry.who = in.who();
    entry.from_state = in.from_state();
    entry.to_state = in.to_state();
    entry.epoch = in.epoch();
    entry.quarantined_key = in.quarantined_key();
    entry.chain = chain;
    return entry;
}

}  // namespace siding::queue

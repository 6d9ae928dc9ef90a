// ServerDialogue, the message half: DATA, BDAT and what the end of a body means.
#include "base/check.hpp"
#include "smtp/server_dialogue.hpp"

#include <utility>

namespace siding::smtp {
namespace {

// Once is a forwarder that sends back; twice the same way round is a loop.
constexpr std::size_t own_received_max = 2;

const Reply too_large{552, {5, 3, 4}, "Message size exceeds fixed limit"};

Reply bad_sequence(std::string text) {
    return Reply{503, {5, 5, 1}, std::move(text)};
}

DataSummary summarize_any(const auto& decoder, const HeaderScan& header) {
    return DataSummary{
        .is_too_large = decoder.is_too_large(),
        .is_refused_for_bare_newline = decoder.is_refused_for_bare_newline(),
        .received_fields = header.received_fields(),
        .own_received_fields = header.own_received_fields(),
        .header_octets = header.octets()};
}

}  // namespace

DataSummary summarize(const DataDecoder& decoder, const HeaderScan& header) {
    return summarize_any(decoder, header);
}

DataSummary summarize(const ChunkDecoder& decoder, const HeaderScan& header) {
    return summarize_any(decoder, header);
}

Step ServerDialogue::on(command::Data&&) {
    if (const auto reason = check_recipients()) {
        return say_error(*reason);
    }
    if (in_chunks_) {
        return say_error(bad_sequence("DATA after BDAT"));  // RFC 3030 §2
    }
    if (envelope_.mail_parameters.body == Body::binary_mime) {
        return say_error(bad_sequence("BINARYMIME needs BDAT"));  // RFC 3030 §3
    }
    state_ = State::receiving;
    return Step{format_reply(Reply{354, "End data with <CR><LF>.<CR><LF>"}), action::ReceiveData{}};
}

// The octets come with the command, so they are read before anything is answered, whatever the
// answer will be (RFC 3030 §2).
Step ServerDialogue::on(command::Bdat&& chunk) {
    if (!offered().has(Extension::chunking)) {
        // What follows may be its octets or a command; nothing good comes from guessing.
        return say_and_close(Reply{502, {5, 5, 1}, "Command not implemented"});
    }
    chunk_ = chunk;
    chunk_refusal_ = check_chunk(chunk);
    state_ = State::receiving_chunk;
    if (chunk_refusal_) {
        reset_transaction();
        return Step{
            {}, action::ReceiveChunk{.octets = chunk.octets, .last = chunk.last, .discard = true}};
    }
    const bool first = !std::exchange(in_chunks_, true);
    const bool binary = envelope_.mail_parameters.body == Body::binary_mime;
    return Step{
        {},
        action::ReceiveChunk{
            .octets = chunk.octets, .last = chunk.last, .first = first, .binary = binary}};
}

std::optional<Reply> ServerDialogue::check_recipients() const {
    if (!in_transaction_) {
        return bad_sequence("Need MAIL command");
    }
    if (envelope_.recipients.empty()) {
        return refused_recipients_ > 0 ? Reply{554, {5, 5, 1}, "No valid recipients"}
                                       : bad_sequence("Need RCPT command");
    }
    return std::nullopt;
}

std::optional<Reply> ServerDialogue::check_chunk(const command::Bdat& chunk) const {
    if (is_discarding_) {
        return Reply{
            551,
            {5, 0, 0},
            "Discarded " + std::to_string(chunk.octets) + " octets after earlier error"};
    }
    if (auto reason = check_recipients()) {
        return reason;
    }
    if (chunk.octets == 0 && !chunk.last) {
        return Reply{551, {5, 7, 1}, "Null BDAT request"};  // could be repeated for ever
    }
    if (chunk.octets > options_.message_octets_max) {
        return too_large;
    }
    return std::nullopt;
}

Step ServerDialogue::on_data_end(const DataSummary& summary) {
    SIDING_CHECK(state_ == State::receiving, "an end of data without DATA");
    state_ = State::command;
    if (const auto reason = check_body(summary)) {
        reset_transaction();
        return say_error(*reason);
    }
    return commit(false);
}

// However a message in chunks ends, the transaction ends with it. If it ends early, the chunks that
// are still on their way are thrown away until the last, RSET or a new MAIL.
Step ServerDialogue::on_chunk_end(const DataSummary& summary) {
    SIDING_CHECK(state_ == State::receiving_chunk, "an end of a chunk without BDAT");
    state_ = State::command;
    auto reason = std::exchange(chunk_refusal_, std::nullopt);
    if (!reason) {
        reason = check_body(summary);
    }
    if (reason) {
        reset_transaction();
        is_discarding_ = !chunk_.last;
        return say_error(*reason);
    }
    if (!chunk_.last) {
        return say(Reply{250, {2, 0, 0}, std::to_string(chunk_.octets) + " octets"});
    }
    return commit(true);
}

std::optional<Reply> ServerDialogue::check_body(const DataSummary& summary) const {
    if (summary.is_refused_for_bare_newline) {
        return Reply{550, {5, 5, 2}, "Bare CR or LF in message"};
    }
    if (summary.is_too_large) {
        return too_large;
    }
    if (summary.header_octets > options_.header_octets_max) {
        return Reply{552, {5, 3, 4}, "Header section too large"};
    }
    if (summary.received_fields >= options_.received_max) {
        return Reply{554, {5, 4, 6}, "Too many hops, mail loop"};  // RFC 5321 §6.3
    }
    if (summary.own_received_fields >= own_received_max) {
        return Reply{554, {5, 4, 6}, "Mail loop back to " + options_.hostname};
    }
    return std::nullopt;
}

Step ServerDialogue::commit(bool used_chunking) {
    Envelope envelope = std::move(envelope_);
    envelope.helo = helo_;
    envelope.is_esmtp = is_esmtp_;
    envelope.used_chunking = used_chunking;
    reset_transaction();
    state_ = State::committing;
    return Step{{}, action::Commit{std::move(envelope)}};
}

}  // namespace siding::smtp

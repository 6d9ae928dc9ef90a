// Ledger lines and their chain: record.hpp.
#include "queue/record.hpp"
#include "queue/record_codec.hpp"

#include <fmt/format.h>

namespace siding::queue {
namespace {

constexpr std::size_t chain_octets = 32;

}  // namespace

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
        row.set_original(recipient.original);
        row.set_copy(recipient.copy);
    }
    out.set_sender(entry.sender);
    out.set_client_address(entry.client_address);
    out.set_proxy_address(entry.proxy_address);
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
    out.set_tls(entry.tls);
    put_texts(entry.tags, *out.mutable_tags());
    out.set_reason(entry.reason);
    out.set_count(entry.count);
    out.set_cause(entry.cause);
    out.set_sent_as(entry.sent_as);
    out.set_copy_from(entry.copy_from);
    out.set_copy_to(entry.copy_to);
    out.set_undoes(entry.undoes);
    std::string stored = seal_record(out);
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
    SIDING_ASSIGN(const pb::LedgerEntry in, parse_record<pb::LedgerEntry>(frame, name));
    LedgerEntry entry;
    entry.sequence = sequence;
    entry.at = from_millis(in.at_ms());
    entry.kind = static_cast<LedgerKind>(in.kind() - 1);
    entry.recipient = {MessageId{in.message()}, in.number()};
    for (const pb::AcceptedRecipient& row : in.recipients()) {
        entry.recipients.push_back(
            {row.address(), row.domain(), row.wave(), row.original(), row.copy()}
        );
    }
    entry.sender = in.sender();
    entry.client_address = in.client_address();
    entry.proxy_address = in.proxy_address();
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
    entry.tls = in.tls();
    entry.tags = to_texts(in.tags());
    entry.reason = in.reason();
    entry.count = in.count();
    entry.cause = in.cause();
    entry.sent_as = in.sent_as();
    entry.copy_from = in.copy_from();
    entry.copy_to = in.copy_to();
    entry.undoes = in.undoes();
    entry.chain = chain;
    return entry;
}

}  // namespace siding::queue

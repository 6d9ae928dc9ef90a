#include "control/render.hpp"

#include "base/bytes.hpp"
#include "control/filter_params.hpp"
#include "control/json.hpp"

#include <boost/json/array.hpp>

namespace siding::control {
namespace {

namespace json = boost::json;
using queue::State;

json::array texts_json(const std::vector<std::string>& texts) {
    json::array out;
    for (const std::string& text : texts) {
        out.push_back(json_text(text));
    }
    return out;
}

void put_text(json::object& out, std::string_view key, std::string_view text) {
    if (!text.empty()) {
        out[key] = json_text(text);
    }
}

// What changes while a recipient waits.
void put_progress(json::object& out, const queue::Recipient& row) {
    out["state"] = queue::format_state(row.state);
    out["lane"] = json_text(row.lane);
    out["pinned_server"] = json_text(row.pinned_server);
    out["due_at"] = row.state == State::due ? json_time(row.due_at) : json::value(nullptr);
    out["attempts"] = row.attempts;
    out["last_attempt_at"] = json_time(row.last_attempt_at);
    out["last_reply"] = json_text(row.last_reply);
    out["maybe_delivered"] = row.maybe_delivered;
    out["kept"] = row.kept;
    out["tags"] = texts_json(row.tags);
    out["copy"] = row.copy;
    put_text(out, "cause", row.cause);
    if (row.state == State::delivered) {
        out["ended_at"] = json_time(row.ended_at);
    }
    out["release"] = row.release_id == 0 ? json::value(nullptr) : json::value(row.release_id);
}

bool names_recipient(queue::LedgerKind kind) {
    using enum queue::LedgerKind;
    return kind != accepted && kind != phase && kind != started && kind != quarantined &&
           kind != refused && kind != remapped;
}

void put_accepted(json::object& out, const queue::LedgerEntry& entry) {
    json::array recipients;
    for (const queue::AcceptedRecipient& recipient : entry.recipients) {
        json::object row{
            {"address", json_text(recipient.address)},
            {"domain", json_text(recipient.domain)},
            {"wave", json_text(recipient.wave)},
        };
        put_text(row, "original", recipient.original);
        if (recipient.copy) {
            row["copy"] = true;
        }
        recipients.push_back(std::move(row));
    }
    out["recipients"] = std::move(recipients);
    out["sender"] = json_text(entry.sender);
    out["client_address"] = json_text(entry.client_address);
    out["message_id"] = json_text(entry.message_id_header);
    out["size"] = entry.size_octets;
    out["sha256"] = to_hex(entry.sha256);
    out["bare_newlines"] = entry.bare_newlines;
    if (!entry.tags.empty()) {
        out["tags"] = texts_json(entry.tags);
    }
}

void put_refused(json::object& out, const queue::LedgerEntry& entry) {
    out["reason"] = json_text(entry.reason);
    out["count"] = entry.count;
    out["client_address"] = json_text(entry.client_address);
    out["sender"] = json_text(entry.sender);
}

json::object message_recipient_json(const MessageView& message, std::uint32_t number) {
    const queue::EnvelopeRecipient& recipient = message.envelope.recipients[number];
    json::object out{
        {"id", RecipientId{message.envelope.id, number}.text()},
        {"recipient", json_text(recipient.address)},
        {"parameters", texts_json(recipient.parameters)},
        {"domain", recipient.domain.text()},
        {"wave", json_text(recipient.wave)},
        {"original", json_text(recipient.original)},
        {"copy", recipient.copy},
    };
    if (const auto row = message.rows.find(number); row != message.rows.end()) {
        put_progress(out, row->second);
    } else if (const auto end = message.ended.find(number); end != message.ended.end()) {
        out["state"] = queue::format_state(end->second);
    } else {
        out["state"] = "unreadable";
    }
    return out;
}

}  // namespace

json::object recipient_json(const queue::Recipient& row) {
    json::object out{
        {"id", row.id.text()},
        {"message", row.id.message.text()},
        {"recipient", json_text(row.address)},
        {"sender", json_text(row.sender)},
        {"domain", row.domain.text()},
        {"wave", json_text(row.wave)},
        {"size", row.size_octets},
        {"received_at", json_time(row.id.message.time())},
    };
    put_progress(out, row);
    return out;
}

json::object counts_json(const queue::StateCounts& counts) {
    json::object out;
    for (const State state : queue::all_states) {
        out[queue::format_state(state)] = counts.of(state);
    }
    out["replayed"] = counts.replayed;
    out["retained"] = counts.retained;
    return out;
}

json::object ledger_json(const queue::LedgerEntry& entry) {
    json::object out{
        {"sequence", entry.sequence},
        {"at", json_time(entry.at)},
        {"kind", queue::format_ledger_kind(entry.kind)},
    };
    if (entry.recipient.message != MessageId{}) {
        out["message"] = entry.recipient.message.text();
    }
    if (names_recipient(entry.kind)) {
        out["id"] = entry.recipient.text();
    }
    if (entry.kind == queue::LedgerKind::accepted) {
        put_accepted(out, entry);
    } else if (entry.kind == queue::LedgerKind::refused) {
        put_refused(out, entry);
    }
    put_text(out, "address", entry.address);
    put_text(out, "server", entry.server);
    put_text(out, "peer", entry.peer);
    put_text(out, "tls", entry.tls);
    put_text(out, "reply", entry.reply);
    put_text(out, "cause", entry.cause);
    put_text(out, "sent_as", entry.sent_as);
    put_text(out, "who", entry.who);
    put_text(out, "from", entry.from_state);
    put_text(out, "to", entry.to_state);
    if (entry.kind == queue::LedgerKind::phase) {
        out["epoch"] = entry.epoch;
        put_text(out, "copy_from", entry.copy_from);
        put_text(out, "copy_to", entry.copy_to);
        if (entry.undoes != 0) {
            out["undoes"] = entry.undoes;
        }
    }
    put_text(out, "record", entry.quarantined_key);
    out["chain"] = to_hex(entry.chain);
    return out;
}

json::object message_json(const MessageView& message) {
    const queue::Envelope& envelope = message.envelope;
    json::array recipients;
    for (std::uint32_t number = 0; number < envelope.recipients.size(); ++number) {
        recipients.push_back(message_recipient_json(message, number));
    }
    return {
        {"id", envelope.id.text()},
        {"received_at", json_time(envelope.received_at)},
        {"sender", json_text(envelope.reverse_path)},
        {"parameters", texts_json(envelope.mail_parameters)},
        {"recipients", std::move(recipients)},
        {"client_address", json_text(envelope.client_address)},
        {"client_name", json_text(envelope.client_name)},
        {"proxy_address", json_text(envelope.proxy_address)},
        {"listener", json_text(envelope.listener)},
        {"tls", json_text(envelope.tls)},
        {"tls_peer", json_text(envelope.tls_peer)},
        {"helo", json_text(envelope.helo)},
        {"trace_header", json_text(envelope.trace_header)},
        {"message_id", json_text(envelope.message_id_header)},
        {"size", envelope.body.size_octets},
        {"sha256", to_hex(envelope.body.sha256)},
        {"bare_newlines", envelope.body.bare_newlines},
        {"declared_8bit", envelope.body.declared_8bit},
        {"binary", envelope.body.binary},
        {"tags", texts_json(envelope.tags)},
        {"spam_score",
         envelope.spam_score ? json::value(*envelope.spam_score) : json::value(nullptr)},
    };
}

json::object audit_json(const cutover::AuditReport& report) {
    return {
        {"balanced", report.balanced()},
        {"accepted", report.accepted},
        {"replayed", report.replayed},
        {"delivered", report.delivered},
        {"held", report.held},
        {"due", report.due},
        {"in_flight", report.in_flight},
        {"parked", report.parked},
        {"discarded", report.discarded},
        {"retained", report.retained},
        {"ledger_entries", report.ledger_entries},
        {"chain_ok", report.chain_ok},
        {"problems", texts_json(report.problems)},
    };
}

}  // namespace siding::control

// RocksBatch, the rules: what each change of change.hpp does to rows, index and ledger.
#include "base/bytes.hpp"
#include "base/check.hpp"
#include "base/log.hpp"
#include "queue/keys.hpp"
#include "queue/rocks_batch.hpp"

#include <algorithm>

namespace siding::queue {
namespace {

const Logger log{"queue"};

Event event_of(OutcomeKind kind) {
    switch (kind) {
    case OutcomeKind::delivered:
        return Event::deliver;
    case OutcomeKind::deferred:
    case OutcomeKind::in_doubt:
        return Event::defer;
    case OutcomeKind::parked:
        return Event::park;
    }
    SIDING_UNREACHABLE("outcome kind");
}

LedgerKind ledger_kind_of(OutcomeKind kind) {
    switch (kind) {
    case OutcomeKind::delivered:
        return LedgerKind::delivered;
    case OutcomeKind::deferred:
        return LedgerKind::deferred;
    case OutcomeKind::in_doubt:
        return LedgerKind::in_doubt;
    case OutcomeKind::parked:
        return LedgerKind::parked;
    }
    SIDING_UNREACHABLE("outcome kind");
}

LedgerKind ledger_kind_of(Event event) {
    switch (event) {
    case Event::release:
        return LedgerKind::released;
    case Event::hold:
        return LedgerKind::held;
    case Event::reroute:
        return LedgerKind::rerouted;
    case Event::park:
        return LedgerKind::parked;
    case Event::recover:
        return LedgerKind::recovered;
    case Event::discard:
        return LedgerKind::discarded;
    case Event::replay:
        return LedgerKind::replayed;
    case Event::attempt:
    case Event::deliver:
    case Event::defer:
        break;  // these have changes of their own
    }
    SIDING_UNREACHABLE(format_event(event));
}

// The fields of a recipient after an operator's or our own move.
void change_fields(Recipient& row, const MoveRecipients& change) {
    row.cause = change.event == Event::park ? change.cause : std::string{};
    switch (change.event) {
    case Event::release:
        row.lane = change.server;
        row.pinned_server = change.pinned ? change.server : "";
        row.due_at = change.due_at;
        row.release_id = change.release_id;
        row.kept = false;
        break;
    case Event::reroute:
        row.lane = change.server;
        row.due_at = change.due_at;
        break;
    case Event::recover:
        row.due_at = change.due_at;
        row.maybe_delivered = true;
        row.last_reply = change.why;
        break;
    case Event::hold:
        row.lane.clear();
        row.pinned_server.clear();
        row.release_id = 0;
        row.kept = change.keep;
        break;
    case Event::park:
        row.last_reply = change.why;
        break;
    case Event::replay:
        row.lane = change.server;
        row.pinned_server = change.server;
        row.due_at = change.due_at;
        row.release_id = change.release_id;
        row.attempts = 0;
        row.last_reply.clear();
        row.maybe_delivered = false;
        row.ended_at = {};
        break;
    case Event::discard:
    case Event::attempt:
    case Event::deliver:
    case Event::defer:
        break;
    }
}

LedgerEntry accepted_line(const AcceptMessage& change) {
    const Envelope& envelope = change.envelope;
    LedgerEntry line;
    line.kind = LedgerKind::accepted;
    line.recipient = {envelope.id, 0};
    for (const EnvelopeRecipient& recipient : envelope.recipients) {
        line.recipients.push_back(
            {recipient.address,
             recipient.domain.text(),
             recipient.wave,
             recipient.original,
             recipient.copy}
        );
    }
    line.sender = envelope.reverse_path;
    line.client_address = envelope.client_address;
    line.proxy_address = envelope.proxy_address;
    line.message_id_header = envelope.message_id_header;
    line.size_octets = envelope.body.size_octets;
    line.sha256 = envelope.body.sha256;
    line.bare_newlines = envelope.body.bare_newlines;
    line.tls = envelope.tls;
    line.tags = envelope.tags;
    line.who = "sidingd";
    return line;
}

Recipient make_recipient(const AcceptMessage& change, std::uint32_t number, WallTime now) {
    const Envelope& envelope = change.envelope;
    const EnvelopeRecipient& to = envelope.recipients[number];
    const Placement& placement = change.placements[number];
    SIDING_CHECK(
        placement.state == State::held || placement.state == State::due ||
            placement.state == State::delivered,
        format_state(placement.state)
    );
    Recipient row{
        .id = {envelope.id, number},
        .state = placement.state,
        .domain = to.domain,
        .wave = to.wave,
        .address = to.address,
        .sender = envelope.reverse_path,
        .size_octets = envelope.body.size_octets,
        .lane = placement.lane,
        .pinned_server = placement.pinned ? placement.lane : "",
        // Never ahead of the clock, also where that was set back meanwhile.
        .due_at =
            placement.due_at == WallTime{} ? std::min(envelope.received_at, now) : placement.due_at,
        .last_reply = placement.reply,
        .maybe_delivered = placement.in_doubt,
        .tags = envelope.tags,
        .copy = to.copy,
    };
    if (placement.attempted || is_final(placement.state)) {
        row.attempts = 1;
        row.last_attempt_at = now;
    }
    if (is_final(placement.state)) {
        row.ended_at = now;
    }
    return row;
}

// Was a server asked while the message came in?
bool has_line(const Placement& placement) {
    return placement.state == State::delivered ||
           (placement.state == State::due && placement.attempted);
}

LedgerEntry first_line(const Recipient& row, const Placement& placement) {
    LedgerEntry line;
    line.kind = placement.state == State::delivered ? LedgerKind::delivered
                : placement.in_doubt                ? LedgerKind::in_doubt
                                                    : LedgerKind::deferred;
    line.recipient = row.id;
    line.address = row.address;
    line.server = placement.lane;
    line.peer = placement.peer;
    line.tls = placement.tls;
    line.reply = placement.reply;
    line.sent_as = placement.sent_as;
    return line;
}

}  // namespace

Result<Applied> RocksBatch::apply(const AcceptMessage& change) {
    const Envelope& envelope = change.envelope;
    SIDING_CHECK(
        !envelope.recipients.empty() && change.placements.size() == envelope.recipients.size(),
        "a placement for each recipient"
    );
    const MessageId id = envelope.id;
    const bool waits = std::ranges::any_of(change.placements, [](const Placement& placement) {
        return !is_final(placement.state);
    });
    const bool stays = waits || change.retain;
    if (stays) {
        put(Family::message, keys::message(id), encode(envelope));
    }
    if (!change.inline_body) {
        erase(Family::meta, keys::meta_writing(id));
        for (std::uint32_t chunk = 0; !stays && chunk < envelope.body.chunks; ++chunk) {
            erase(Family::body, keys::body(id, chunk));
        }
    } else if (stays) {
        put_framed(batch_, database_.handle(Family::body), keys::body(id, 0), *change.inline_body);
    }
    put(Family::trace, keys::trace('s', to_lower(envelope.reverse_path), id), "");
    if (!envelope.message_id_header.empty()) {
        put(Family::trace, keys::trace('m', envelope.message_id_header, id), "");
    }
    note(accepted_line(change));
    for (std::uint32_t n = 0; n < envelope.recipients.size(); ++n) {
        const EnvelopeRecipient& to = envelope.recipients[n];
        put(Family::trace, keys::trace('r', to.key(), id), "");
        if (!to.original.empty()) {
            put(Family::trace, keys::trace('r', to_lower(to.original), id), "");
        }
        RecipientRow row{
            make_recipient(change, n, now_),
            static_cast<std::uint32_t>(envelope.recipients.size()),
            envelope.body.chunks,
        };
        if (const Placement& placement = change.placements[n]; has_line(placement)) {
            note(first_line(row.recipient, placement));
        }
        if (n + 1 == envelope.recipients.size() && change.retain && !waits) {
            retain_message(row, now_);
        }
        add(std::move(row), change.retain);
    }
    tail_.last_id = std::max(tail_.last_id, id);
    return Applied{};
}

Result<Applied> RocksBatch::apply(const StartAttempt& change) {
    for (const RecipientId id : change.recipients) {
        SIDING_TRY(load(id));
    }
    Applied applied;
    for (const RecipientId id : change.recipients) {
        const auto found = rows_[id];
        if (!found || !next_state(found->recipient.state, Event::attempt) ||
            found->recipient.lane != change.server) {
            continue;
        }
        RecipientRow row = *found;
        row.recipient.state = State::in_flight;
        row.recipient.attempts += 1;
        row.recipient.last_attempt_at = now_;
        LedgerEntry line;
        line.kind = LedgerKind::attempt;
        line.recipient = id;
        line.address = row.recipient.address;
        line.server = change.server;
        store(*found, std::move(row));
        note(std::move(line));
        applied.started.push_back(id);
        applied.moved += 1;
    }
    return applied;
}

Result<Applied> RocksBatch::apply(const RecordOutcome& change) {
    for (const RecipientOutcome& outcome : change.outcomes) {
        SIDING_TRY(load(outcome.recipient));
    }
    Applied applied;
    for (const RecipientOutcome& outcome : change.outcomes) {
        const auto found = rows_[outcome.recipient];
        if (!found) {
            continue;
        }
        const auto to = next_state(found->recipient.state, event_of(outcome.kind));
        if (!to) {
            log.warn("outcome_out_of_state", {{"mid", found->recipient.id.text()}});
            continue;
        }
        RecipientRow row = *found;
        row.recipient.state = *to;
        row.recipient.last_reply = outcome.reply;
        if (*to == State::due) {
            row.recipient.due_at = outcome.next_attempt_at;
        } else if (*to == State::parked) {
            row.recipient.cause = outcome.cause;
        } else {
            row.recipient.ended_at = now_;
        }
        row.recipient.maybe_delivered |= outcome.kind == OutcomeKind::in_doubt;
        LedgerEntry line;
        line.kind = ledger_kind_of(outcome.kind);
        line.recipient = row.recipient.id;
        line.address = row.recipient.address;
        line.server = change.server;
        line.peer = change.peer;
        line.tls = change.tls;
        line.reply = outcome.reply;
        line.cause = outcome.cause;
        line.sent_as = outcome.sent_as;
        store(*found, std::move(row), change.retain);
        note(std::move(line));
        applied.moved += 1;
    }
    return applied;
}

Result<Applied> RocksBatch::apply(const MoveRecipients& change) {
    for (const RecipientId id : change.recipients) {
        SIDING_TRY(load(id));
    }
    Applied applied;
    for (const RecipientId id : change.recipients) {
        const auto found = rows_[id];
        if (!found) {
            continue;
        }
        const Recipient& before = found->recipient;
        const auto to = next_state(before.state, change.event);
        // What is on hold already is only ever given the flag.
        const bool is_nothing_new =
            before.state == State::held && to == State::held && (before.kept || !change.keep);
        // Its new key may lie ahead of the job's walk, and a restart begins the walk anew.
        const bool was_released = change.event == Event::release && change.release_id != 0 &&
                                  before.release_id == change.release_id;
        if (!to || is_nothing_new || was_released ||
            (change.still && !matches(*change.still, before))) {
            continue;
        }
        RecipientRow row = *found;
        row.recipient.state = *to;
        change_fields(row.recipient, change);
        LedgerEntry line;
        line.kind = ledger_kind_of(change.event);
        line.recipient = id;
        line.address = before.address;
        line.server = change.server;
        line.reply = change.why;
        line.who = change.who;
        line.from_state = format_state(before.state);
        line.to_state = format_state(*to);
        store(*found, std::move(row));
        note(std::move(line));
        applied.moved += 1;
    }
    return applied;
}

Result<Applied> RocksBatch::apply(const RecordRefusals& change) {
    for (const Refusal& refusal : change.refusals) {
        LedgerEntry line;
        line.kind = LedgerKind::refused;
        line.reason = refusal.reason;
        line.count = refusal.count;
        line.client_address = refusal.client_address;
        line.sender = refusal.sender;
        line.address = refusal.recipient;
        line.reply = refusal.reply;
        note(std::move(line));
    }
    return Applied{.started = {}, .moved = change.refusals.size()};
}

}  // namespace siding::queue

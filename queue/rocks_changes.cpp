// RocksBatch, the rules: what each change of change.hpp does to rows, index and ledger.
#include "base/bytes.hpp"
#include "base/check.hpp"
#include "base/log.hpp"
#include "queue/frame.hpp"
#include "queue/keys.hpp"
#include "queue/rocks_batch.hpp"

#include <algorithm>
#include <fmt/format.h>

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
    case Event::attempt:
    case Event::deliver:
    case Event::defer:
        break;  // these have changes of their own
    }
    SIDING_UNREACHABLE(format_event(event));
}

// The fields of a recipient after an operator's or our own move.
void change_fields(Recipient& row, const MoveRecipients& change) {
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
            {recipient.address, recipient.domain.text(), recipient.wave, recipient.original}
        );
    }
    line.sender = envelope.reverse_path;
    line.client_address = envelope.client_address;
    line.message_id_header = envelope.message_id_header;
    line.size_octets = envelope.body.size_octets;
    line.sha256 = envelope.body.sha256;
    line.bare_newlines = envelope.body.bare_newlines;
    line.tls = envelope.tls;
    line.tags = envelope.tags;
    line.who = "sidingd";
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
    put(Family::message, keys::message(id), encode(envelope));
    if (change.inline_body) {
        put_framed(batch_, database_.handle(Family::body), keys::body(id, 0), *change.inline_body);
    } else {
        erase(Family::meta, keys::meta_writing(id));
    }
    put(Family::trace, keys::trace('s', to_lower(envelope.reverse_path), id), "");
    if (!envelope.message_id_header.empty()) {
        put(Family::trace, keys::trace('m', envelope.message_id_header, id), "");
    }
    for (std::uint32_t n = 0; n < envelope.recipients.size(); ++n) {
        const EnvelopeRecipient& to = envelope.recipients[n];
        const Placement& placement = change.placements[n];
        RecipientRow row{
            Recipient{
                .id = {id, n},
                .state = placement.state,
                .domain = to.domain,
                .wave = to.wave,
                .address = to.address,
                .sender = envelope.reverse_path,
                .size_octets = envelope.body.size_octets,
                .lane = placement.lane,
                .pinned_server = {},
                .due_at = now_,
                .last_reply = {},
                .tags = envelope.tags,
            },
            static_cast<std::uint32_t>(envelope.recipients.size()),
            envelope.body.chunks,
        };
        put(Family::trace, keys::trace('r', to.key(), id), "");
        if (!to.original.empty()) {
            put(Family::trace, keys::trace('r', to_lower(to.original), id), "");
        }
        put(Family::recipient, keys::recipient(row.recipient.id), encode(row));
        put(placement.state == State::held ? Family::held : Family::due,
            keys::index(row.recipient),
            "");
        count(row.recipient, +1);
        rows_.emplace(row.recipient.id, std::move(row));
    }
    tail_.last_id = std::max(tail_.last_id, id);
    note(accepted_line(change));
    return Applied{};
}

Result<Applied> RocksBatch::apply(const StartAttempt& change) {
    for (const std::uint32_t number : change.recipients) {
        SIDING_TRY(load({change.message, number}));
    }
    Applied applied;
    for (const std::uint32_t number : change.recipients) {
        const auto found = rows_[{change.message, number}];
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
        line.recipient = row.recipient.id;
        line.address = row.recipient.address;
        line.server = change.server;
        store(found->recipient, std::move(row));
        note(std::move(line));
        applied.recipients.push_back(number);
        applied.moved += 1;
    }
    return applied;
}

Result<Applied> RocksBatch::apply(const RecordOutcome& change) {
    for (const RecipientOutcome& outcome : change.outcomes) {
        SIDING_TRY(load({change.message, outcome.recipient}));
    }
    Applied applied;
    for (const RecipientOutcome& outcome : change.outcomes) {
        const auto found = rows_[{change.message, outcome.recipient}];
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
        }
        row.recipient.maybe_delivered |= outcome.kind == OutcomeKind::in_doubt;
        LedgerEntry line;
        line.kind = ledger_kind_of(outcome.kind);
        line.recipient = row.recipient.id;
        line.address = row.recipient.address;
        line.server = change.server;
        line.peer = change.peer;
        line.reply = outcome.reply;
        store(found->recipient, std::move(row));
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
        store(before, std::move(row));
        note(std::move(line));
        applied.moved += 1;
    }
    return applied;
}

Result<Applied> RocksBatch::apply(const SetPhases& change) {
    const auto phase_now = [&](const std::pair<std::string, std::string>& wave) {
        if (const auto found = phases_.find(wave); found != phases_.end()) {
            return std::optional{found->second};
        }
        const auto found = facts_.phases.phases.find(wave);
        return found == facts_.phases.phases.end() ? std::nullopt : std::optional{found->second};
    };
    std::vector<PhaseMove> effective;
    for (const PhaseMove& move : change.moves) {
        const auto from = phase_now({move.domain.text(), move.wave});
        if (move.initial) {
            if (!from) {
                effective.push_back(move);
            }
            continue;
        }
        if (!from) {
            return Error{
                Errc::not_found,
                fmt::format("{}/{} is not configured", move.domain.text(), move.wave)};
        }
        if (*from == move.to) {
            continue;
        }
        if (!is_legal_move(*from, move.to)) {
            std::string legal;
            for (const Phase phase : legal_moves(*from)) {
                legal.append(legal.empty() ? "" : ", ").append(format_phase(phase));
            }
            return Error{
                Errc::conflict,
                fmt::format(
                    "{}/{} cannot go from {} to {}; from {} it can go to: {}",
                    move.domain.text(),
                    move.wave,
                    format_phase(*from),
                    format_phase(move.to),
                    format_phase(*from),
                    legal.empty() ? "nowhere" : legal
                )};
        }
        effective.push_back(move);
    }
    if (!effective.empty()) {
        tail_.epoch += 1;
    }
    for (const PhaseMove& move : effective) {
        const std::pair<std::string, std::string> wave{move.domain.text(), move.wave};
        const auto from = phase_now(wave);
        LedgerEntry line;
        line.kind = LedgerKind::phase;
        line.address = wave.first + "/" + wave.second;
        line.from_state = from ? format_phase(*from) : "";
        line.to_state = format_phase(move.to);
        line.who = change.who;
        line.reply = change.why;
        line.epoch = tail_.epoch;
        note(std::move(line));
        put(Family::meta, keys::meta_phase(wave.first, wave.second), seal(format_phase(move.to)));
        phases_[wave] = move.to;
    }
    return Applied{.recipients = {}, .moved = effective.size(), .epoch = tail_.epoch};
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
    return Applied{.recipients = {}, .moved = change.refusals.size()};
}

}  // namespace siding::queue

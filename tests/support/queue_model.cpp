#include "tests/support/queue_model.hpp"

#include "base/limits.hpp"

#include <algorithm>
#include <utility>

namespace siding::test {

using namespace queue;

namespace {

// Who may go where, in the words of the operator's guide.
std::optional<State> after(State from, Event event) {
    const bool at_rest = from == State::held || from == State::parked;
    const bool waiting = from == State::due;
    const bool flying = from == State::in_flight;
    switch (event) {
    case Event::release:
        return at_rest || waiting ? std::optional{State::due} : std::nullopt;
    case Event::hold:
        return at_rest || waiting ? std::optional{State::held} : std::nullopt;
    case Event::reroute:
        return waiting ? std::optional{State::due} : std::nullopt;
    case Event::attempt:
        return waiting ? std::optional{State::in_flight} : std::nullopt;
    case Event::deliver:
        return flying ? std::optional{State::delivered} : std::nullopt;
    case Event::defer:
    case Event::recover:
        return flying ? std::optional{State::due} : std::nullopt;
    case Event::park:
        return from == State::held || waiting || flying ? std::optional{State::parked}
                                                        : std::nullopt;
    case Event::discard:
        return at_rest || waiting ? std::optional{State::discarded} : std::nullopt;
    case Event::replay:
        return from == State::delivered ? std::optional{State::due} : std::nullopt;
    }
    return std::nullopt;
}

LedgerKind line_of(Event event) {
    switch (event) {
    case Event::release:
        return LedgerKind::released;
    case Event::hold:
        return LedgerKind::held;
    case Event::reroute:
        return LedgerKind::rerouted;
    case Event::attempt:
        return LedgerKind::attempt;
    case Event::deliver:
        return LedgerKind::delivered;
    case Event::defer:
        return LedgerKind::deferred;
    case Event::recover:
        return LedgerKind::recovered;
    case Event::park:
        return LedgerKind::parked;
    case Event::discard:
        return LedgerKind::discarded;
    case Event::replay:
        return LedgerKind::replayed;
    }
    return LedgerKind::started;
}

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
    return Event::defer;
}

}  // namespace

Result<Applied> QueueModel::apply(const Change& change, WallTime now, const std::string& body) {
    auto applied = std::visit([&](const auto& one) { return apply_one(one, now); }, change);
    if (const auto* accept = std::get_if<AcceptMessage>(&change)) {
        messages[accept->envelope.id] = {accept->envelope, accept->inline_body.value_or(body)};
    }
    return applied;
}

Result<Applied> QueueModel::apply_one(const AcceptMessage& change, WallTime now) {
    const Envelope& envelope = change.envelope;
    LedgerEntry line;
    line.kind = LedgerKind::accepted;
    line.recipient = {envelope.id, 0};
    for (const EnvelopeRecipient& to : envelope.recipients) {
        line.recipients.push_back({to.address, to.domain.text(), to.wave, to.original, to.copy});
    }
    line.sender = envelope.reverse_path;
    line.client_address = envelope.client_address;
    line.message_id_header = envelope.message_id_header;
    line.size_octets = envelope.body.size_octets;
    line.sha256 = envelope.body.sha256;
    line.bare_newlines = envelope.body.bare_newlines;
    line.tls = envelope.tls;
    line.tags = envelope.tags;
    note(std::move(line), now);
    for (std::uint32_t n = 0; n < envelope.recipients.size(); ++n) {
        accept_recipient(change, n, now);
    }
    last_id = std::max(last_id, envelope.id);
    return Applied{};
}

void QueueModel::accept_recipient(const AcceptMessage& change, std::uint32_t n, WallTime now) {
    const EnvelopeRecipient& to = change.envelope.recipients[n];
    const Placement& placement = change.placements[n];
    const bool delivered = placement.state == State::delivered;
    Recipient row{
        .id = {change.envelope.id, n},
        .state = placement.state,
        .domain = to.domain,
        .wave = to.wave,
        .address = to.address,
        .sender = change.envelope.reverse_path,
        .size_octets = change.envelope.body.size_octets,
        .lane = placement.lane,
        .pinned_server = placement.pinned ? placement.lane : "",
        .due_at = std::min(change.envelope.received_at, now),
        .last_reply = placement.reply,
        .maybe_delivered = placement.in_doubt,
        .tags = change.envelope.tags,
        .copy = to.copy,
    };
    if (placement.due_at != WallTime{}) {
        row.due_at = placement.due_at;
    }
    if (delivered || placement.attempted) {
        row.attempts = 1;
        row.last_attempt_at = now;
        LedgerEntry line;
        line.kind = placement.in_doubt ? LedgerKind::in_doubt : LedgerKind::deferred;
        if (delivered) {
            line.kind = LedgerKind::delivered;
            row.ended_at = now;
        }
        line.recipient = row.id;
        line.address = row.address;
        line.server = placement.lane;
        line.peer = placement.peer;
        line.tls = placement.tls;
        line.reply = placement.reply;
        line.sent_as = placement.sent_as;
        note(std::move(line), now);
    }
    if (delivered && change.retain) {
        retained.insert(row.id);
    }
    recipients.emplace(row.id, std::move(row));
}

Result<Applied> QueueModel::apply_one(const StartAttempt& change, WallTime now) {
    Applied applied;
    for (const RecipientId id : change.recipients) {
        const auto row = recipients.find(id);
        if (row == recipients.end() || row->second.lane != change.server ||
            !after(row->second.state, Event::attempt)) {
            continue;
        }
        row->second.state = State::in_flight;
        row->second.attempts += 1;
        row->second.last_attempt_at = now;
        LedgerEntry line;
        line.kind = LedgerKind::attempt;
        line.recipient = row->first;
        line.address = row->second.address;
        line.server = change.server;
        note(std::move(line), now);
        applied.started.push_back(id);
        applied.moved += 1;
    }
    return applied;
}

Result<Applied> QueueModel::apply_one(const RecordOutcome& change, WallTime now) {
    Applied applied;
    for (const RecipientOutcome& outcome : change.outcomes) {
        const auto row = recipients.find(outcome.recipient);
        if (row == recipients.end()) {
            continue;
        }
        const auto to = after(row->second.state, event_of(outcome.kind));
        if (!to) {
            continue;
        }
        row->second.state = *to;
        row->second.last_reply = outcome.reply;
        LedgerEntry line;
        line.kind = line_of(event_of(outcome.kind));
        if (*to == State::due) {
            row->second.due_at = outcome.next_attempt_at;
        } else if (*to == State::parked) {
            row->second.cause = outcome.cause;
        } else {
            row->second.ended_at = now;
            if (change.retain) {
                retained.insert(row->first);
            }
        }
        if (outcome.kind == OutcomeKind::in_doubt) {
            row->second.maybe_delivered = true;
            line.kind = LedgerKind::in_doubt;
        }
        line.recipient = row->first;
        line.address = row->second.address;
        line.server = change.server;
        line.peer = change.peer;
        line.tls = change.tls;
        line.reply = outcome.reply;
        line.cause = outcome.cause;
        line.sent_as = outcome.sent_as;
        note(std::move(line), now);
        applied.moved += 1;
    }
    return applied;
}

Result<Applied> QueueModel::apply_one(const MoveRecipients& change, WallTime now) {
    Applied applied;
    for (const RecipientId id : change.recipients) {
        const auto found = recipients.find(id);
        if (found == recipients.end()) {
            continue;
        }
        Recipient& row = found->second;
        const auto to = after(row.state, change.event);
        if (!to || (change.event == Event::replay && !retained.contains(id))) {
            continue;
        }
        if (change.event == Event::hold && row.state == State::held && (row.kept || !change.keep)) {
            continue;
        }
        if (change.event == Event::release && change.release_id != 0 &&
            row.release_id == change.release_id) {
            continue;
        }
        if (change.still && !matches(*change.still, row)) {
            continue;
        }
        LedgerEntry line;
        line.kind = line_of(change.event);
        line.recipient = id;
        line.address = row.address;
        line.server = change.server;
        line.reply = change.why;
        line.who = change.who;
        line.from_state = format_state(row.state);
        line.to_state = format_state(*to);
        note(std::move(line), now);
        if (change.event == Event::replay) {
            replayed.push_back(row);
            retained.erase(id);
            row.attempts = 0;
            row.last_reply.clear();
            row.maybe_delivered = false;
            row.ended_at = {};
            row.pinned_server = change.server;
            row.release_id = change.release_id;
        }
        row.state = *to;
        row.cause = change.event == Event::park ? change.cause : "";
        if (change.event == Event::release) {
            row.pinned_server = change.pinned ? change.server : "";
            row.release_id = change.release_id;
            row.kept = false;
        }
        if (change.event == Event::release || change.event == Event::reroute ||
            change.event == Event::replay) {
            row.lane = change.server;
            row.due_at = change.due_at;
        }
        if (change.event == Event::hold) {
            row.lane.clear();
            row.pinned_server.clear();
            row.release_id = 0;
            row.kept = change.keep;
        }
        if (change.event == Event::recover) {
            row.due_at = change.due_at;
            row.maybe_delivered = true;
        }
        if (change.event == Event::park || change.event == Event::recover) {
            row.last_reply = change.why;
        }
        applied.moved += 1;
    }
    return applied;
}

Result<Applied> QueueModel::apply_one(const SetPhases& change, WallTime now) {
    std::vector<PhaseMove> moves;
    for (const PhaseMove& move : change.moves) {
        const auto from = phases.find(move.domain, move.wave);
        const bool other_copy = phases.copy_of(move.domain, move.wave) != move.copy;
        if (move.initial && from) {
            continue;
        }
        if (!move.initial && !from) {
            return Error{Errc::not_found, move.domain.text()};
        }
        if (!move.copy.empty() && move.to != Phase::pass_old && move.to != Phase::pass_new) {
            return Error{Errc::invalid_argument, move.domain.text()};
        }
        if (from == move.to && !other_copy) {
            continue;
        }
        if (from && from != move.to && !is_legal_move(*from, move.to)) {
            return Error{Errc::conflict, move.domain.text()};
        }
        moves.push_back(move);
    }
    if (change.undoes != 0) {
        const auto undone = flips.find(change.undoes);
        if (undone == flips.end()) {
            return Error{Errc::not_found, "flip"};
        }
        if (undone->second.undone_by != 0) {
            return Error{Errc::conflict, "flip"};
        }
    }
    phases.epoch += moves.empty() && change.undoes == 0 ? 0 : 1;
    FlipRecord flip{phases.epoch, now, change.who, change.why, {}, 0, change.undoes};
    for (const PhaseMove& move : moves) {
        const auto from = phases.find(move.domain, move.wave);
        const std::string copy_from = phases.copy_of(move.domain, move.wave);
        LedgerEntry line;
        line.kind = LedgerKind::phase;
        line.address = move.domain.text() + "/" + move.wave;
        line.from_state = from ? format_phase(*from) : "";
        line.to_state = format_phase(move.to);
        line.copy_from = copy_from;
        line.copy_to = move.copy;
        line.who = change.who;
        line.reply = change.why;
        line.epoch = phases.epoch;
        line.undoes = change.undoes;
        note(std::move(line), now);
        phases.phases[{move.domain.text(), move.wave}] = move.to;
        phases.copies.erase({move.domain.text(), move.wave});
        if (!move.copy.empty()) {
            phases.copies[{move.domain.text(), move.wave}] = move.copy;
        }
        if (from) {
            flip.moves.push_back({move.domain, move.wave, *from, move.to, copy_from, move.copy});
        }
    }
    if (change.undoes != 0) {
        flips.at(change.undoes).undone_by = phases.epoch;
    }
    if (!flip.moves.empty() || change.undoes != 0) {
        flips[phases.epoch] = std::move(flip);
    }
    return Applied{.started = {}, .moved = moves.size(), .epoch = phases.epoch};
}

Result<Applied> QueueModel::apply_one(const RemoveWave& change, WallTime now) {
    const auto from = phases.find(change.domain, change.wave);
    if (change.wave == "default") {
        return Error{Errc::invalid_argument, change.wave};
    }
    if (!from) {
        return Error{Errc::not_found, change.wave};
    }
    const bool in_use = std::ranges::any_of(recipients, [&](const auto& row) {
        return row.second.domain == change.domain && row.second.wave == change.wave &&
               !is_final(row.second.state);
    });
    if (in_use) {
        return Error{Errc::conflict, change.wave};
    }
    phases.epoch += 1;
    LedgerEntry line;
    line.kind = LedgerKind::phase;
    line.address = change.domain.text() + "/" + change.wave;
    line.from_state = format_phase(*from);
    line.to_state = "removed";
    line.copy_from = phases.copy_of(change.domain, change.wave);
    line.who = change.who;
    line.epoch = phases.epoch;
    note(std::move(line), now);
    phases.phases.erase({change.domain.text(), change.wave});
    phases.copies.erase({change.domain.text(), change.wave});
    return Applied{.started = {}, .moved = 1, .epoch = phases.epoch};
}

Result<Applied> QueueModel::apply_one(const AssignWave& change, WallTime now) {
    Applied applied;
    for (const RecipientId id : change.recipients) {
        const auto row = recipients.find(id);
        if (row == recipients.end() || is_final(row->second.state) ||
            row->second.wave == change.wave || !phases.find(row->second.domain, change.wave)) {
            continue;
        }
        LedgerEntry line;
        line.kind = LedgerKind::assigned;
        line.recipient = id;
        line.address = row->second.address;
        line.from_state = std::exchange(row->second.wave, change.wave);
        line.to_state = change.wave;
        line.who = change.who;
        line.reply = change.why;
        note(std::move(line), now);
        applied.moved += 1;
    }
    return applied;
}

std::map<std::pair<WallTime, MessageId>, std::uint64_t> QueueModel::retained_messages() const {
    std::map<MessageId, std::pair<WallTime, std::uint64_t>> ended;
    for (const RecipientId id : retained) {
        auto& [last, octets] = ended[id.message];
        last = std::max(last, recipients.at(id).ended_at);
        octets = recipients.at(id).size_octets;
    }
    std::map<std::pair<WallTime, MessageId>, std::uint64_t> whole;
    for (const auto& [id, one] : ended) {
        const bool waits = std::ranges::any_of(recipients, [&](const auto& row) {
            return row.first.message == id && !is_final(row.second.state);
        });
        if (!waits) {
            whole[{one.first, id}] = one.second;
        }
    }
    return whole;
}

Result<Applied> QueueModel::apply_one(const PruneRetained& change, WallTime) {
    Applied applied;
    const auto messages_now = retained_messages();
    std::uint64_t octets = counters().retained.octets;
    for (const auto& [message, size] : messages_now) {
        if (applied.moved >= change.messages_max ||
            (message.first >= change.before && octets <= change.octets_max)) {
            break;
        }
        std::erase_if(retained, [&](RecipientId id) { return id.message == message.second; });
        octets -= size;
        applied.moved += 1;
    }
    return applied;
}

Result<Applied> QueueModel::apply_one(const PutRelease& change, WallTime) {
    ReleaseJob job = change.job;
    const bool is_new = job.id == 0;
    if (is_new) {
        job.id = releases.empty() ? 1 : releases.rbegin()->first + 1;
    }
    const std::uint64_t id = job.id;
    last_id = std::max(last_id, job.filter.up_to.value_or(MessageId{}));
    releases[id] = std::move(job);
    if (is_new) {
        forget_finished_releases();
    }
    return Applied{.started = {}, .release_id = id};
}

void QueueModel::forget_finished_releases() {
    std::size_t older = releases.size() - std::min(releases.size(), limits::finished_releases_kept);
    for (auto job = releases.begin(); older > 0; --older) {
        const bool has_rows = std::ranges::any_of(recipients, [&](const auto& row) {
            return row.second.release_id == job->first && !is_final(row.second.state);
        });
        job = is_over(job->second.state) && !has_rows ? releases.erase(job) : std::next(job);
    }
}

Result<Applied> QueueModel::apply_one(const RecordRefusals& change, WallTime now) {
    for (const Refusal& refusal : change.refusals) {
        LedgerEntry line;
        line.kind = LedgerKind::refused;
        line.reason = refusal.reason;
        line.count = refusal.count;
        line.client_address = refusal.client_address;
        line.sender = refusal.sender;
        line.address = refusal.recipient;
        line.reply = refusal.reply;
        note(std::move(line), now);
    }
    return Applied{.started = {}, .moved = change.refusals.size()};
}

Result<Applied> QueueModel::apply_one(const PutValues& change, WallTime now) {
    for (const Value& one : change.values) {
        if (one.key.empty() || one.key.size() > limits::value_key_octets_max) {
            return Error{Errc::invalid_argument, "key"};
        }
    }
    for (const Value& one : change.values) {
        if (one.value) {
            values[one.key] = *one.value;
        } else {
            values.erase(one.key);
        }
    }
    for (const Remap& remap : change.remaps) {
        LedgerEntry line;
        line.kind = LedgerKind::remapped;
        line.address = remap.address;
        line.reply = remap.to;
        line.who = remap.who;
        note(std::move(line), now);
    }
    return Applied{.started = {}, .moved = change.values.size()};
}

Result<Applied> QueueModel::apply_one(const DeleteValues& change, WallTime) {
    Applied applied;
    for (auto one = values.lower_bound(change.prefix);
         one != values.end() && one->first.starts_with(change.prefix) &&
         applied.moved < change.values_max;
         ++applied.moved) {
        one = values.erase(one);
    }
    return applied;
}

void QueueModel::recover(WallTime now) {
    MoveRecipients move;
    move.event = Event::recover;
    move.due_at = now;
    move.why = "the daemon stopped during the attempt; the server may have the message";
    for (const auto& [id, row] : recipients) {
        if (row.state == State::in_flight) {
            move.recipients.push_back(id);
        }
    }
    static_cast<void>(apply_one(move, now));
    LedgerEntry line;
    line.kind = LedgerKind::started;
    note(std::move(line), now);
}

void QueueModel::note(LedgerEntry line, WallTime now) {
    line.at = now;
    line.sequence = ledger.size() + 1;
    if (line.who.empty()) {
        line.who = "sidingd";
    }
    ledger.push_back(std::move(line));
}

std::vector<Recipient> QueueModel::matching(const Filter& filter) const {
    std::vector<Recipient> rows;
    for (const auto& [id, row] : recipients) {
        const bool shows =
            !is_final(row.state) || (filter.state == row.state && retained.contains(id));
        if (shows && matches(filter, row)) {
            rows.push_back(row);
        }
    }
    return rows;
}

std::vector<Recipient> QueueModel::due(const std::string& lane, WallTime now) const {
    std::vector<Recipient> rows;
    for (const auto& [id, row] : recipients) {
        if (row.state == State::due && row.lane == lane && row.due_at <= now) {
            rows.push_back(row);
        }
    }
    std::ranges::sort(rows, {}, [](const Recipient& row) { return std::pair{row.due_at, row.id}; });
    return rows;
}

Counters QueueModel::counters() const {
    Counters counters;
    const auto add = [&](const Recipient& row) {
        const auto add_to = [&](StateCounts& counts) {
            counts.of(row.state) += 1;
            counts.held_octets += row.state == State::held ? row.size_octets : 0;
            counts.kept += row.state == State::held && row.kept ? 1 : 0;
        };
        add_to(counters.waves[{row.domain.text(), row.wave}]);
        if (releases.contains(row.release_id)) {
            add_to(counters.releases[row.release_id]);
        }
    };
    for (const auto& [id, row] : recipients) {
        add(row);
    }
    for (const Recipient& row : replayed) {
        add(row);
        counters.waves[{row.domain.text(), row.wave}].replayed += 1;
    }
    for (const RecipientId id : retained) {
        const Recipient& row = recipients.at(id);
        StateCounts& counts = counters.waves[{row.domain.text(), row.wave}];
        counts.retained += 1;
        counts.retained_octets += row.size_octets;
    }
    for (const auto& [message, octets] : retained_messages()) {
        counters.retained.messages += 1;
        counters.retained.octets += octets;
    }
    return counters;
}

bool QueueModel::has_row(RecipientId id) const {
    return !is_final(recipients.at(id).state) || retained.contains(id);
}

bool QueueModel::has_message(MessageId id) const {
    return std::ranges::any_of(recipients, [&](const auto& row) {
        return row.first.message == id && has_row(row.first);
    });
}

std::vector<std::string> ids_of(const std::vector<Recipient>& rows) {
    std::vector<std::string> ids;
    for (const Recipient& row : rows) {
        ids.push_back(row.id.text());
    }
    return ids;
}

}  // namespace siding::test

#include "queue/rocks_batch.hpp"

#include "base/bytes.hpp"
#include "base/check.hpp"
#include "base/log.hpp"
#include "queue/frame.hpp"
#include "queue/keys.hpp"

#include <fmt/format.h>

namespace siding::queue {
namespace {

const Logger log{"queue"};

rocksdb::Slice slice(std::string_view text) {
    return {text.data(), text.size()};
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

std::string quarantine_name(Family family, std::string_view key) {
    return fmt::format("{}/{}", static_cast<int>(family), to_hex(key));
}

LedgerEntry accepted_line(const AcceptMessage& change) {
    const Envelope& envelope = change.envelope;
    LedgerEntry line;
    line.kind = LedgerKind::accepted;
    line.recipient = {envelope.id, 0};
    for (const EnvelopeRecipient& recipient : envelope.recipients) {
        line.recipients.push_back({recipient.address, recipient.domain.text(), recipient.wave});
    }
    line.sender = envelope.reverse_path;
    line.client_address = envelope.client_address;
    line.message_id_header = envelope.message_id_header;
    line.size_octets = envelope.body.size_octets;
    line.sha256 = envelope.body.sha256;
    line.bare_newlines = envelope.body.bare_newlines;
    line.who = "sidingd";
    return line;
}

}  // namespace

RocksBatch::RocksBatch(const RocksDatabase& database, const Facts& facts, WallTime now)
    : database_{database}, facts_{facts}, now_{now}, tail_{facts.tail} {}

Result<Applied> RocksBatch::apply(const Change& change) {
    return std::visit([this](const auto& one) { return apply(one); }, change);
}

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
            },
            static_cast<std::uint32_t>(envelope.recipients.size()),
            envelope.body.chunks,
        };
        put(Family::trace, keys::trace('r', to.key(), id), "");
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

Result<Applied> RocksBatch::apply(const PutRelease& change) {
    ReleaseJob job = change.job;
    if (job.id == 0) {
        job.id = ++tail_.last_release;
        release_counts(job.id);
    }
    if (job.filter.up_to) {
        // Mail that comes later must have later ids, also after a restart with the clock set back.
        tail_.last_id = std::max(tail_.last_id, *job.filter.up_to);
    }
    put(Family::meta, keys::meta_release(job.id), encode(job));
    return Applied{.recipients = {}, .release_id = job.id};
}

Result<std::optional<RecipientRow>> RocksBatch::load(RecipientId id) {
    if (const auto found = rows_.find(id); found != rows_.end()) {
        return found->second;
    }
    const std::string key = keys::recipient(id);
    const auto stored = database_.get(Family::recipient, key);
    if (!stored && stored.error().is(Errc::corrupt)) {
        // Its block on the disk: the row stays where it is, the others of the change go on.
        log.error("record_unreadable", {{"mid", id.text()}, {"reason", stored.error()}});
        quarantined_.insert(id);
        return rows_[id] = std::nullopt;
    }
    SIDING_TRY(stored);
    if (!*stored) {
        return std::optional<RecipientRow>{};
    }
    auto row = decode_recipient(**stored, id);
    if (!row) {
        quarantine(id, **stored, row.error());
        return rows_[id] = std::nullopt;
    }
    return rows_[id] = std::move(*row);
}

void RocksBatch::store(const Recipient& before, RecipientRow row) {
    const Recipient& after = row.recipient;
    const auto family_of = [](State state) {
        return state == State::held || state == State::parked ? Family::held : Family::due;
    };
    const std::string old_key = keys::index(before);
    const std::string new_key = keys::index(after);
    if (old_key != new_key || is_final(after.state)) {
        erase(family_of(before.state), old_key);
    }
    count(before, -1);
    count(after, +1);
    if (is_final(after.state)) {
        erase(Family::recipient, keys::recipient(after.id));
        rows_[after.id] = std::nullopt;
        end_message(row);
        return;
    }
    put(Family::recipient, keys::recipient(after.id), encode(row));
    if (old_key != new_key) {
        put(family_of(after.state), new_key, "");
    }
    const RecipientId id = after.id;
    rows_[id] = std::move(row);
}

void RocksBatch::end_message(const RecipientRow& row) {
    if (has_other_recipients(row)) {
        return;
    }
    const MessageId id = row.recipient.id.message;
    erase(Family::message, keys::message(id));
    for (std::uint32_t chunk = 0; chunk < row.chunks; ++chunk) {
        erase(Family::body, keys::body(id, chunk));
    }
}

bool RocksBatch::has_other_recipients(const RecipientRow& row) {
    for (std::uint32_t n = 0; row.siblings > 1 && n < row.siblings; ++n) {
        const RecipientId id{row.recipient.id.message, n};
        if (id == row.recipient.id) {
            continue;
        }
        const auto other = load(id);
        if (!other || other->has_value() || is_quarantined(id)) {
            return true;  // unreadable counts as there: nothing is deleted under it
        }
    }
    return false;
}

bool RocksBatch::is_quarantined(RecipientId id) {
    if (quarantined_.contains(id)) {
        return true;
    }
    const std::string name = quarantine_name(Family::recipient, keys::recipient(id));
    const auto stored = database_.get(Family::quarantine, name);
    return !stored || stored->has_value();
}

void RocksBatch::quarantine(RecipientId id, const std::string& value, const Error& error) {
    log.error("record_quarantined", {{"record", error.context}});
    const std::string key = keys::recipient(id);
    std::string name = quarantine_name(Family::recipient, key);
    put(Family::quarantine, name, value);
    erase(Family::recipient, key);
    // The one index key that does not need the row; recovery would stumble over it.
    erase(Family::due, keys::in_flight(id));
    quarantined_.insert(id);
    LedgerEntry line;
    line.kind = LedgerKind::quarantined;
    line.recipient = id;
    line.reply = error.context;
    line.quarantined_key = std::move(name);
    note(std::move(line));
}

void RocksBatch::note(LedgerEntry entry) {
    entry.at = now_;
    if (entry.who.empty()) {
        entry.who = "sidingd";
    }
    entry.sequence = ++tail_.ledger_sequence;
    put(Family::ledger, keys::ledger(entry.sequence), encode_ledger(entry, tail_.ledger_chain));
    tail_.ledger_chain = entry.chain;
    if (entry.recipient.message != MessageId{}) {
        put(Family::trace, keys::trace_ledger(entry.recipient.message, entry.sequence), "");
    }
}

void RocksBatch::count(const Recipient& recipient, int by) {
    const auto add = [&](StateCounts& counts) {
        counts.of(recipient.state) += static_cast<std::uint64_t>(by);
        if (recipient.state == State::held) {
            counts.held_octets += static_cast<std::uint64_t>(by) * recipient.size_octets;
            counts.kept += recipient.kept ? static_cast<std::uint64_t>(by) : 0;
        }
    };
    add(wave_counts(recipient));
    if (recipient.release_id != 0) {
        add(release_counts(recipient.release_id));
    }
}

StateCounts& RocksBatch::wave_counts(const Recipient& recipient) {
    std::pair<std::string, std::string> wave{recipient.domain.text(), recipient.wave};
    const auto here = waves_.find(wave);
    if (here != waves_.end()) {
        return here->second;
    }
    const auto before = facts_.counters.waves.find(wave);
    return waves_[std::move(wave)] =
               before == facts_.counters.waves.end() ? StateCounts{} : before->second;
}

StateCounts& RocksBatch::release_counts(std::uint64_t release) {
    const auto here = releases_.find(release);
    if (here != releases_.end()) {
        return here->second;
    }
    const auto before = facts_.counters.releases.find(release);
    return releases_[release] =
               before == facts_.counters.releases.end() ? StateCounts{} : before->second;
}

void RocksBatch::put(Family family, std::string_view key, std::string_view value) {
    batch_.Put(database_.handle(family), slice(key), slice(value));
}

void RocksBatch::erase(Family family, std::string_view key) {
    batch_.Delete(database_.handle(family), slice(key));
}

rocksdb::WriteBatch& RocksBatch::finish() {
    for (const auto& [wave, counts] : waves_) {
        put(Family::meta, keys::meta_counts(wave.first, wave.second), encode(counts));
    }
    for (const auto& [release, counts] : releases_) {
        put(Family::meta, keys::meta_release_counts(release), encode(counts));
    }
    tail_.commit_sequence += 1;
    put(Family::meta, keys::meta_tail, encode(tail_));
    return batch_;
}

void RocksBatch::publish(Facts& facts) const {
    facts.tail = tail_;
    for (const auto& [wave, counts] : waves_) {
        facts.counters.waves[wave] = counts;
    }
    for (const auto& [release, counts] : releases_) {
        facts.counters.releases[release] = counts;
    }
    for (const auto& [wave, phase] : phases_) {
        facts.phases.phases[wave] = phase;
    }
    facts.phases.epoch = tail_.epoch;
}

}  // namespace siding::queue

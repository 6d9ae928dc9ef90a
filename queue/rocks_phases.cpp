// Phases and waves in the store: what a flip does, its history, and how a wave goes.
#include "queue/frame.hpp"
#include "queue/keys.hpp"
#include "queue/rocks_backend.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace siding::queue {
namespace {

Error not_configured(const PhaseMove& move) {
    return {Errc::not_found, fmt::format("{}/{} is not configured", move.domain.text(), move.wave)};
}

Error illegal_move(const PhaseMove& move, Phase from) {
    std::string legal;
    for (const Phase phase : legal_moves(from)) {
        legal.append(legal.empty() ? "" : ", ").append(format_phase(phase));
    }
    return {
        Errc::conflict,
        fmt::format(
            "{}/{} cannot go from {} to {}; from {} it can go to: {}",
            move.domain.text(),
            move.wave,
            format_phase(from),
            format_phase(move.to),
            format_phase(from),
            legal.empty() ? "nowhere" : legal
        )};
}

Error copy_of_nothing(const PhaseMove& move) {
    return {
        Errc::invalid_argument,
        fmt::format(
            "{}/{}: phase {} passes nothing on that could be copied to {}",
            move.domain.text(),
            move.wave,
            format_phase(move.to),
            move.copy
        )};
}

}  // namespace

std::optional<Phase> RocksBatch::phase_of(const Wave& wave) const {
    if (const auto found = phases_.find(wave); found != phases_.end()) {
        return found->second;
    }
    const auto found = facts_.phases.phases.find(wave);
    return found == facts_.phases.phases.end() ? std::nullopt : std::optional{found->second};
}

std::string RocksBatch::copy_of(const Wave& wave) const {
    if (const auto found = copies_.find(wave); found != copies_.end()) {
        return found->second;
    }
    const auto found = facts_.phases.copies.find(wave);
    return found == facts_.phases.copies.end() ? std::string{} : found->second;
}

// Does it change anything?
Result<bool> RocksBatch::check_move(const PhaseMove& move) const {
    const Wave wave{move.domain.text(), move.wave};
    const auto from = phase_of(wave);
    if (move.initial && from) {
        return false;
    }
    if (!move.initial && !from) {
        return not_configured(move);
    }
    if (!move.copy.empty() && move.to != Phase::pass_old && move.to != Phase::pass_new) {
        return copy_of_nothing(move);
    }
    if (from == move.to) {
        return copy_of(wave) != move.copy;
    }
    if (from && !is_legal_move(*from, move.to)) {
        return illegal_move(move, *from);
    }
    return true;
}

Result<Applied> RocksBatch::apply(const SetPhases& change) {
    std::vector<PhaseMove> effective;
    for (const PhaseMove& move : change.moves) {
        SIDING_ASSIGN(const bool changes, check_move(move));
        if (changes) {
            effective.push_back(move);
        }
    }
    std::optional<FlipRecord> undone;
    if (change.undoes != 0) {
        SIDING_ASSIGN(undone, load_flip(change.undoes));
        if (!undone) {
            return Error{
                Errc::not_found, fmt::format("there is no flip with epoch {}", change.undoes)};
        }
        if (undone->undone_by != 0) {
            return Error{
                Errc::conflict,
                fmt::format(
                    "the flip of epoch {} was taken back by that of epoch {} already",
                    change.undoes,
                    undone->undone_by
                )};
        }
    }
    // A flip that is taken back counts as taken back also where its waves stand right already.
    if (!effective.empty() || undone) {
        tail_.epoch += 1;
    }
    FlipRecord flip;
    flip.epoch = tail_.epoch;
    flip.at = now_;
    flip.who = change.who;
    flip.why = change.why;
    flip.undoes = change.undoes;
    for (const PhaseMove& move : effective) {
        set_phase(move, change, flip);
    }
    if (undone) {
        undone->undone_by = tail_.epoch;
        put_flip(std::move(*undone));
    }
    if (!flip.moves.empty() || change.undoes != 0) {
        put_flip(std::move(flip));
    }
    return Applied{.started = {}, .moved = effective.size(), .epoch = tail_.epoch};
}

void RocksBatch::set_phase(const PhaseMove& move, const SetPhases& change, FlipRecord& flip) {
    const Wave wave{move.domain.text(), move.wave};
    const auto from = phase_of(wave);
    const std::string copy_from = copy_of(wave);
    LedgerEntry line;
    line.kind = LedgerKind::phase;
    line.address = wave.first + "/" + wave.second;
    line.from_state = from ? format_phase(*from) : "";
    line.to_state = format_phase(move.to);
    line.copy_from = copy_from;
    line.copy_to = move.copy;
    line.who = change.who;
    line.reply = change.why;
    line.epoch = tail_.epoch;
    line.undoes = change.undoes;
    note(std::move(line));
    if (from) {
        flip.moves.push_back({move.domain, move.wave, *from, move.to, copy_from, move.copy});
    }
    put(Family::meta, keys::meta_phase(wave.first, wave.second), seal(format_phase(move.to)));
    phases_[wave] = move.to;
    if (copy_from != move.copy) {
        const std::string key = keys::meta_copy(wave.first, wave.second);
        if (move.copy.empty()) {
            erase(Family::meta, key);
        } else {
            put(Family::meta, key, seal(move.copy));
        }
        copies_[wave] = move.copy;
    }
}

Result<std::optional<FlipRecord>> RocksBatch::load_flip(std::uint64_t epoch) {
    if (const auto found = flips_.find(epoch); found != flips_.end()) {
        return std::optional{found->second};
    }
    SIDING_ASSIGN(const auto stored, database_.get(Family::meta, keys::meta_flip(epoch)));
    if (!stored) {
        return std::optional<FlipRecord>{};
    }
    SIDING_ASSIGN(FlipRecord flip, decode_flip(*stored));
    return std::optional{std::move(flip)};
}

void RocksBatch::put_flip(FlipRecord flip) {
    put(Family::meta, keys::meta_flip(flip.epoch), encode(flip));
    const std::uint64_t epoch = flip.epoch;
    flips_[epoch] = std::move(flip);
}

Result<Applied> RocksBatch::apply(const RemoveWave& change) {
    const Wave wave{change.domain.text(), change.wave};
    const auto from = phase_of(wave);
    const std::string name = wave.first + "/" + wave.second;
    if (change.wave == "default") {
        return Error{Errc::invalid_argument, name + " stays: it has all that no other wave has"};
    }
    if (!from) {
        return Error{Errc::not_found, name + " is not configured"};
    }
    const auto here = waves_.find(wave);
    const auto before = facts_.counters.waves.find(wave);
    const StateCounts counts = here != waves_.end()                    ? here->second
                               : before != facts_.counters.waves.end() ? before->second
                                                                       : StateCounts{};
    const std::uint64_t waiting = counts.waiting();
    if (waiting > 0) {
        return Error{
            Errc::conflict,
            fmt::format(
                "{} {} in {} yet; assign them to another wave, or let them end",
                waiting,
                waiting == 1 ? "recipient is" : "recipients are",
                name
            )};
    }
    tail_.epoch += 1;
    LedgerEntry line;
    line.kind = LedgerKind::phase;
    line.address = name;
    line.from_state = format_phase(*from);
    line.to_state = "removed";
    line.copy_from = copy_of(wave);
    line.who = change.who;
    line.epoch = tail_.epoch;
    note(std::move(line));
    erase(Family::meta, keys::meta_phase(wave.first, wave.second));
    erase(Family::meta, keys::meta_copy(wave.first, wave.second));
    phases_[wave] = std::nullopt;
    copies_[wave] = {};
    return Applied{.started = {}, .moved = 1, .epoch = tail_.epoch};
}

Result<Applied> RocksBatch::apply(const AssignWave& change) {
    for (const RecipientId id : change.recipients) {
        SIDING_TRY(load(id));
    }
    Applied applied;
    for (const RecipientId id : change.recipients) {
        const auto found = rows_[id];
        if (!found || is_final(found->recipient.state) || found->recipient.wave == change.wave ||
            !phase_of({found->recipient.domain.text(), change.wave})) {
            continue;
        }
        RecipientRow row = *found;
        row.recipient.wave = change.wave;
        LedgerEntry line;
        line.kind = LedgerKind::assigned;
        line.recipient = id;
        line.address = row.recipient.address;
        line.from_state = found->recipient.wave;
        line.to_state = change.wave;
        line.who = change.who;
        line.reply = change.why;
        store(*found, std::move(row));
        note(std::move(line));
        applied.moved += 1;
    }
    return applied;
}

Result<std::vector<FlipRecord>> RocksStore::flips(std::size_t flips_max) const {
    const std::string prefix(1, keys::meta_flip_kind);
    const auto rows = database_->scan(Family::meta, keys::after_prefix(prefix));
    std::vector<FlipRecord> flips;
    for (rows->SeekToLast(); rows->Valid() && flips.size() < flips_max; rows->Prev()) {
        if (!rows->key().starts_with(prefix)) {
            break;
        }
        SIDING_ASSIGN(FlipRecord flip, decode_flip(rows->value().ToStringView()));
        flips.push_back(std::move(flip));
    }
    if (!rows->status().ok()) {
        return database_->read_error(rows->status(), "flips");
    }
    return flips;
}

}  // namespace siding::queue

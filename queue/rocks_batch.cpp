#include "queue/rocks_batch.hpp"

#include "base/bytes.hpp"
#include "base/log.hpp"
#include "queue/keys.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace siding::queue {
namespace {

const Logger log{"queue"};

rocksdb::Slice slice(std::string_view text) {
    return {text.data(), text.size()};
}

Family family_of(State state) {
    return state == State::due || state == State::in_flight ? Family::due : Family::held;
}

std::string quarantine_name(Family family, std::string_view key) {
    return fmt::format("{}/{}", static_cast<int>(family), to_hex(key));
}

}  // namespace

RocksBatch::RocksBatch(const RocksDatabase& database, const Facts& facts, WallTime now)
    : database_{database}, facts_{facts}, now_{now}, tail_{facts.tail} {}

Result<Applied> RocksBatch::apply(const Change& change) {
    return std::visit([this](const auto& one) { return apply(one); }, change);
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

void RocksBatch::add(RecipientRow row, bool retain) {
    const Recipient& fresh = row.recipient;
    const bool stays = !is_final(fresh.state) || retain;
    count(fresh, +1);
    if (!stays) {
        rows_[fresh.id] = std::nullopt;
        return;
    }
    if (is_final(fresh.state)) {
        count_retained(fresh, +1);
    }
    put(Family::recipient, keys::recipient(fresh.id), encode(row));
    put(family_of(fresh.state), keys::index(fresh), "");
    const RecipientId id = fresh.id;
    rows_[id] = std::move(row);
}

void RocksBatch::store(const RecipientRow& before, RecipientRow row, bool retain) {
    const Recipient& after = row.recipient;
    const State was = before.recipient.state;
    const bool ends = is_final(after.state);
    const bool stays = !ends || (retain && after.state == State::delivered);
    if (is_final(was)) {
        // It was delivered and will be again: both count.
        count_retained(before.recipient, -1);
        wave_counts(before.recipient).replayed += 1;
        revive_message(before);
    } else {
        count(before.recipient, -1);
    }
    count(after, +1);
    const std::string old_key = keys::index(before.recipient);
    const std::string new_key = stays ? keys::index(after) : std::string{};
    if (old_key != new_key) {
        erase(family_of(was), old_key);
    }
    const RecipientId id = after.id;
    if (stays) {
        put(Family::recipient, keys::recipient(id), encode(row));
        if (old_key != new_key) {
            put(family_of(after.state), new_key, "");
        }
    } else {
        erase(Family::recipient, keys::recipient(id));
    }
    if (ends) {
        const Others others = look_at_others(row);
        if (stays) {
            count_retained(after, +1);
        }
        if (!others.wait && (stays || others.retained)) {
            retain_message(row, std::max(others.ended_at, stays ? after.ended_at : WallTime{}));
        } else if (!others.wait) {
            end_message(row);
        }
    }
    rows_[id] = stays ? std::optional{std::move(row)} : std::nullopt;
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

void RocksBatch::count_retained(const Recipient& recipient, int by) {
    StateCounts& counts = wave_counts(recipient);
    counts.retained += static_cast<std::uint64_t>(by);
    counts.retained_octets += static_cast<std::uint64_t>(by) * recipient.size_octets;
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
    for (const std::uint64_t release : releases_forgotten_) {
        erase(Family::meta, keys::meta_release(release));
        erase(Family::meta, keys::meta_release_counts(release));
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
    for (const std::uint64_t release : releases_forgotten_) {
        facts.counters.releases.erase(release);
    }
    for (const auto& [wave, phase] : phases_) {
        if (phase) {
            facts.phases.phases[wave] = *phase;
        } else {
            facts.phases.phases.erase(wave);
        }
    }
    for (const auto& [wave, server] : copies_) {
        if (server.empty()) {
            facts.phases.copies.erase(wave);
        } else {
            facts.phases.copies[wave] = server;
        }
    }
    facts.counters.retained = tail_.retained;
    facts.phases.epoch = tail_.epoch;
}

}  // namespace siding::queue

// Builds one atomic batch out of changes: recipient rows, their index keys, counters, ledger lines.
// The rules of change.hpp live here. A change is checked before its first effect, so a refused one
// leaves nothing in the batch. Used on the commit thread alone.
#pragma once

#include "queue/change.hpp"
#include "queue/counters.hpp"
#include "queue/phase_table.hpp"
#include "queue/record.hpp"
#include "queue/rocks_database.hpp"

#include <rocksdb/write_batch.h>

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace siding::queue {

// What the store keeps in memory and a batch moves on.
struct Facts {
    Tail tail;
    Counters counters;
    PhaseTable phases;
};

class RocksBatch {
public:
    RocksBatch(const RocksDatabase& database, const Facts& facts, WallTime now);

    // On an error this change alone is refused: conflict, not_found, or a row that the disk would
    // not give. All rows are loaded before the first effect. A row that is there but unreadable is
    // moved aside (quarantine): it moves no more, but its message stays.
    Result<Applied> apply(const Change& change);
    void note(LedgerEntry entry);

    // Closes the batch: counters and tail. Nothing may be applied after.
    rocksdb::WriteBatch& finish();
    // The facts as they are once the batch is written.
    void publish(Facts& facts) const;
    bool empty() const { return batch_.Count() == 0; }

private:
    Result<Applied> apply(const AcceptMessage& change);
    Result<Applied> apply(const StartAttempt& change);
    Result<Applied> apply(const RecordOutcome& change);
    Result<Applied> apply(const MoveRecipients& change);
    Result<Applied> apply(const SetPhases& change);
    Result<Applied> apply(const RemoveWave& change);
    Result<Applied> apply(const AssignWave& change);
    Result<Applied> apply(const PruneRetained& change);
    Result<Applied> apply(const PutRelease& change);
    Result<Applied> apply(const RecordRefusals& change);
    Result<Applied> apply(const PutValues& change);
    Result<Applied> apply(const DeleteValues& change);

    // Nothing if the recipient has ended or is unknown.
    Result<std::optional<RecipientRow>> load(RecipientId id);
    // A recipient that comes with its message.
    void add(RecipientRow row, bool retain);
    // Moves the row, its index key and the counters; ends the message with its last recipient, or
    // retains it where `retain` says so of this one, or said so of another one.
    void store(const RecipientRow& before, RecipientRow row, bool retain = false);
    void end_message(const RecipientRow& row);

    // The other recipients of the row's message; the rest only where none waits.
    struct Others {
        bool wait = false;      // some have not ended
        bool retained = false;  // some have, and are retained …
        WallTime ended_at{};    // … the last one since then
    };
    Others look_at_others(const RecipientRow& row);
    void retain_message(const RecipientRow& row, WallTime ended_at);
    void release_message(const std::string& retained_key, std::uint64_t octets);
    void revive_message(const RecipientRow& row);
    Result<std::optional<std::vector<RecipientRow>>> load_retained(
        MessageId message, WallTime ended_at
    );

    using Wave = std::pair<std::string, std::string>;  // domain, wave
    std::optional<Phase> phase_of(const Wave& wave) const;
    std::string copy_of(const Wave& wave) const;
    Result<bool> check_move(const PhaseMove& move) const;
    void set_phase(const PhaseMove& move, const SetPhases& change, FlipRecord& flip);
    Result<std::optional<FlipRecord>> load_flip(std::uint64_t epoch);
    void put_flip(FlipRecord flip);

    void quarantine(RecipientId id, const std::string& value, const Error& error);
    bool is_quarantined(RecipientId id);

    void count(const Recipient& recipient, int by);
    void count_retained(const Recipient& recipient, int by);
    StateCounts& wave_counts(const Recipient& recipient);
    StateCounts& release_counts(std::uint64_t release);
    void forget_finished_releases();
    bool is_finished(std::uint64_t release) const;

    void put(Family family, std::string_view key, std::string_view value);
    void erase(Family family, std::string_view key);

    const RocksDatabase& database_;
    const Facts& facts_;
    WallTime now_;
    rocksdb::WriteBatch batch_;
    Tail tail_;
    std::map<RecipientId, std::optional<RecipientRow>> rows_;  // as this batch leaves them
    std::set<RecipientId> quarantined_;                        // by this batch, or unreadable to it
    std::map<std::pair<std::string, std::string>, StateCounts> waves_;
    std::map<std::uint64_t, StateCounts> releases_;
    std::map<std::uint64_t, bool> jobs_over_;  // of the jobs that this batch has put
    std::set<std::uint64_t> releases_forgotten_;
    std::map<std::string, bool> values_;           // is the key there, as this batch leaves it
    std::map<Wave, std::optional<Phase>> phases_;  // nothing: the wave is gone
    std::map<Wave, std::string> copies_;           // empty: no copy
    std::map<std::uint64_t, FlipRecord> flips_;
};

}  // namespace siding::queue

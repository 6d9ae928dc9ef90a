// The queue as plain maps: what the store must behave like, written from its contract alone.
// Counters are scanned, nothing is indexed, nothing is stored.
#pragma once

#include "queue/change.hpp"
#include "queue/counters.hpp"
#include "queue/flip_record.hpp"
#include "queue/phase_table.hpp"
#include "queue/recipient.hpp"

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace siding::test {

class QueueModel {
public:
    // `body` is the whole body of an AcceptMessage, written ahead or not.
    Result<queue::Applied> apply(
        const queue::Change& change, WallTime now, const std::string& body = {}
    );

    // What opening the store does, also for the first time and after a crash.
    void recover(WallTime now);

    std::vector<queue::Recipient> matching(const queue::Filter& filter) const;
    std::vector<queue::Recipient> due(const std::string& lane, WallTime now) const;
    queue::Counters counters() const;  // without entries that are all zero
    bool has_row(RecipientId id) const;
    bool has_message(MessageId id) const;

    struct Message {
        queue::Envelope envelope;
        std::string body;
    };
    std::map<RecipientId, queue::Recipient> recipients;  // ended ones too
    std::set<RecipientId> retained;                      // delivered ones whose rows stay
    std::vector<queue::Recipient> replayed;              // as they were before
    std::map<MessageId, Message> messages;               // ended ones too
    std::vector<queue::LedgerEntry> ledger;              // without chain values
    queue::PhaseTable phases;
    std::map<std::uint64_t, queue::FlipRecord> flips;
    std::map<std::uint64_t, queue::ReleaseJob> releases;  // without forgotten ones
    std::map<std::string, std::string> values;
    MessageId last_id;

private:
    Result<queue::Applied> apply_one(const queue::AcceptMessage& change, WallTime now);
    Result<queue::Applied> apply_one(const queue::StartAttempt& change, WallTime now);
    Result<queue::Applied> apply_one(const queue::RecordOutcome& change, WallTime now);
    Result<queue::Applied> apply_one(const queue::MoveRecipients& change, WallTime now);
    Result<queue::Applied> apply_one(const queue::SetPhases& change, WallTime now);
    Result<queue::Applied> apply_one(const queue::RemoveWave& change, WallTime now);
    Result<queue::Applied> apply_one(const queue::AssignWave& change, WallTime now);
    Result<queue::Applied> apply_one(const queue::PruneRetained& change, WallTime now);
    Result<queue::Applied> apply_one(const queue::PutRelease& change, WallTime now);
    Result<queue::Applied> apply_one(const queue::RecordRefusals& change, WallTime now);
    Result<queue::Applied> apply_one(const queue::PutValues& change, WallTime now);
    Result<queue::Applied> apply_one(const queue::DeleteValues& change, WallTime now);
    void accept_recipient(const queue::AcceptMessage& change, std::uint32_t n, WallTime now);
    // By the time of their end, with the octets of their bodies.
    std::map<std::pair<WallTime, MessageId>, std::uint64_t> retained_messages() const;
    void forget_finished_releases();
    void note(queue::LedgerEntry line, WallTime now);
};

// Ids of rows, for comparisons that read well when they fail.
std::vector<std::string> ids_of(const std::vector<queue::Recipient>& rows);

}  // namespace siding::test

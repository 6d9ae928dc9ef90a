// Values to stored octets and back: protobuf in a checksummed frame (frame.hpp).
#pragma once

#include "queue/change.hpp"
#include "queue/counters.hpp"
#include "queue/flip_record.hpp"
#include "queue/recipient.hpp"

#include <string>
#include <string_view>

namespace siding::queue {

// What every batch moves on; one record.
struct Tail {
    std::uint64_t commit_sequence = 0;
    MessageId last_id;
    std::uint64_t ledger_sequence = 0;  // of the last line; 0 if there is none
    Digest ledger_chain = ledger_genesis();
    std::uint64_t epoch = 0;
    std::uint64_t last_release = 0;
    Retained retained;
};

// A recipient and what the store needs to end its message without reading the envelope.
struct RecipientRow {
    Recipient recipient;
    std::uint32_t siblings = 1;
    std::uint32_t chunks = 1;
};

std::string encode(const Envelope& envelope);
std::string encode(const RecipientRow& row);
std::string encode(const StateCounts& counts);
std::string encode(const Tail& tail);
std::string encode(const ReleaseJob& job);
std::string encode(const FlipRecord& flip);

Result<Envelope> decode_envelope(std::string_view stored, std::string_view name);
Result<RecipientRow> decode_recipient(std::string_view stored, RecipientId id);
Result<StateCounts> decode_counts(std::string_view stored, std::string_view name);
Result<Tail> decode_tail(std::string_view stored);
Result<ReleaseJob> decode_release(std::string_view stored);
Result<FlipRecord> decode_flip(std::string_view stored);

// A ledger line is its frame followed by its chain value; encoding chains it to `previous` and sets
// entry.chain. Decoding checks the line against the line before it.
std::string encode_ledger(LedgerEntry& entry, const Digest& previous);
Result<LedgerEntry> decode_ledger(
    std::string_view stored, std::uint64_t sequence, const Digest* previous
);

}  // namespace siding::queue

// The ledger read front to back: that it is whole, how many recipients it accepted and ended, and
// which ones are left, as a fingerprint.
#pragma once

#include "base/result.hpp"
#include "cutover/fingerprint.hpp"
#include "cutover/problems.hpp"
#include "cutover/row_tally.hpp"
#include "queue/store.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <unordered_set>
#include <vector>

namespace siding::cutover {

class LedgerWalk {
public:
    // The next page; true at the end of what has been written so far. A line that does not fit its
    // chain, or a ledger that ends before the line that the store wrote last, ends the walk for
    // good: see whole(). Errc::unavailable: more recipients moved than can
    // be followed.
    Result<bool> read_page(const queue::Store& store);

    // From here on the lines do not change the fingerprint: their recipients become moved().
    void follow_moves() { following_ = true; }

    bool whole() const { return whole_; }
    const Problems& problems() const { return problems_; }

    std::uint64_t entries() const { return entries_; }
    std::uint64_t accepted() const { return accepted_; }
    std::uint64_t delivered() const { return delivered_; }
    std::uint64_t discarded() const { return discarded_; }
    std::uint64_t replayed() const { return replayed_; }

    // Recipients that were accepted or replayed and have not ended.
    Fingerprint& fingerprint() { return fingerprint_; }

    // Since follow_moves().
    const std::vector<Fingerprint::Open>& moved() const { return moved_; }
    const RowTally::Moves& moves() const { return moves_; }

private:
    void broken(std::string text);
    bool check_chain(const queue::LedgerTail& written);
    Result<void> take(const queue::LedgerEntry& entry);
    void take_accepted(const queue::LedgerEntry& entry);
    void take_end(const queue::LedgerEntry& entry);
    void take_replayed(const queue::LedgerEntry& entry);
    void note_move(const queue::LedgerEntry& entry);

    std::uint64_t next_sequence_ = 0;
    queue::LedgerTail last_;  // the line before it
    bool whole_ = true;
    bool following_ = false;
    Problems problems_;

    std::uint64_t entries_ = 0;
    std::uint64_t accepted_ = 0;
    std::uint64_t delivered_ = 0;
    std::uint64_t discarded_ = 0;
    std::uint64_t replayed_ = 0;
    Fingerprint fingerprint_;

    std::vector<Fingerprint::Open> moved_;
    std::unordered_set<std::uint64_t> accepted_since_;  // messages
    RowTally::Moves moves_{};
};

Result<void> for_each_accepted(
    const queue::Store& store, const std::function<Result<void>(RecipientId)>& visit
);

enum class Life { unknown, in_queue, ended };

// What the ledger says of one recipient.
Result<Life> life_of(const queue::Store& store, RecipientId id);

}  // namespace siding::cutover

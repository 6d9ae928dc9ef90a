// The store contract: what any backend must give the queue. Nothing of a backend leaks through
// here; tests/queue/store_contract_test.cpp runs against every one.
//
// Threads: apply() and the body writers are called from the commit thread and from blocking
// threads; apply() by the commit thread alone. Reads may come from any thread but an io thread:
// they block. After Errc::storage_failure from any call the store refuses every further write (fail
// closed).
#pragma once

#include "queue/change.hpp"
#include "queue/counters.hpp"
#include "queue/flip_record.hpp"
#include "queue/ledger.hpp"
#include "queue/phase_table.hpp"
#include "queue/recipient.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace siding::queue {

struct ListPage {
    std::vector<Recipient> rows;
    std::string cursor;  // give it back for the next page; empty at the end; printable from list()
};

struct StoredValue {
    std::string key;
    std::string value;
};

struct ValuePage {
    std::vector<StoredValue> values;
    std::string cursor;  // give it back for the next page; empty at the end
};

enum class TraceKey { recipient, sender, message_id_header };

class Store {
public:
    virtual ~Store() = default;

    // --- Bodies: written ahead, not yet safe. The AcceptMessage that names them makes them so.
    virtual Result<void> append_body_chunk(
        MessageId message, std::uint32_t chunk, std::string_view octets
    ) = 0;
    virtual Result<void> abort_body(MessageId message, std::uint32_t chunks) = 0;

    // --- The only way to change anything: one atomic batch, on disk when this returns. The outer
    // Result is the disk's; the inner ones tell each change's own fate.
    virtual Result<std::vector<Result<Applied>>> apply(
        std::span<const Change* const> changes, WallTime now
    ) = 0;

    // Makes the acked watermark catch up with what was answered. The commit thread calls it once a
    // second while there is work, and when the work ends.
    virtual Result<void> settle() = 0;

    // --- Listings. Rows come in index order: by domain, wave, recipient, id where the filter
    // allows. Retained ones only where the filter's state is `delivered`.
    virtual Result<ListPage> list(
        const Filter& filter, std::string_view cursor, std::size_t rows_max
    ) const = 0;
    // The same rows, oldest message first. A walk over all rows unless the filter names a message,
    // a recipient or a sender.
    virtual Result<ListPage> list_by_age(
        const Filter& filter, std::string_view cursor, std::size_t rows_max
    ) const = 0;
    // Every row that can be read, retained ones too, by id, from the rows themselves and not from
    // an index: stands still while states change, and is what an audit compares the indexes with.
    virtual Result<ListPage> rows(std::string_view cursor, std::size_t rows_max) const = 0;
    // Exact, by the same walk as list(); `octets` is the sum of sizes.
    struct Total {
        std::uint64_t recipients = 0;
        std::uint64_t octets = 0;
    };
    virtual Result<Total> count(const Filter& filter) const = 0;

    // Rows of a lane that are due by `now`, oldest due time first, after `cursor`.
    virtual Result<ListPage> due(
        std::string_view lane, WallTime now, std::string_view cursor, std::size_t rows_max
    ) const = 0;
    // A cursor that starts due() at that time instead of the lane's first row.
    virtual std::string due_cursor(std::string_view lane, WallTime from) const = 0;
    // When the lane's first row becomes due; nothing if the lane is empty.
    virtual Result<std::optional<WallTime>> first_due_at(std::string_view lane) const = 0;
    // Every lane with a due row.
    virtual Result<std::vector<std::string>> lanes() const = 0;

    // --- One message. Errc::not_found after its last recipient ended
    // and was not retained, or was pruned; Errc::corrupt if unreadable.
    virtual Result<Envelope> read_envelope(MessageId message) const = 0;
    virtual Result<std::string> read_body_chunk(MessageId message, std::uint32_t chunk) const = 0;
    virtual Result<Recipient> read_recipient(RecipientId recipient) const = 0;

    // --- Ledger
    virtual Result<std::vector<LedgerEntry>> read_ledger(
        std::uint64_t from_sequence, std::size_t entries_max
    ) const = 0;
    virtual Result<std::vector<LedgerEntry>> ledger_of(MessageId message) const = 0;
    // Every line up to this one can be read; a walk that ends before it has lost lines.
    virtual LedgerTail ledger_tail() const = 0;
    // Newest first.
    virtual Result<std::vector<MessageId>> find_messages(
        TraceKey key, std::string_view value, std::size_t messages_max
    ) const = 0;

    // --- Values (PutValues). One that is unreadable is as good as none: Errc::corrupt from
    // read_value(), left out by list_values(). In key order; the cursor is the last key of a page.
    virtual Result<std::optional<std::string>> read_value(std::string_view key) const = 0;
    virtual Result<ValuePage> list_values(
        std::string_view prefix, std::string_view cursor, std::size_t values_max
    ) const = 0;

    // --- Small facts
    virtual Counters counters() const = 0;
    virtual PhaseTable phases() const = 0;
    virtual Result<std::vector<ReleaseJob>> releases() const = 0;
    virtual Result<std::vector<FlipRecord>> flips(std::size_t flips_max) const = 0;  // newest first
    virtual MessageId last_id() const = 0;  // no id up to this one may be given out again
    virtual bool failed() const = 0;        // a write or sync failed; nothing more is accepted
    virtual std::string failure() const = 0;
};

}  // namespace siding::queue

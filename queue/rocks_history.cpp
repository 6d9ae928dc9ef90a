#include "queue/rocks_backend.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace siding::queue {

Result<std::vector<LedgerEntry>> RocksStore::read_ledger(
    std::uint64_t from_sequence, std::size_t entries_max
) const {
    std::vector<LedgerEntry> entries;
    const std::uint64_t first = std::max<std::uint64_t>(from_sequence, 1);
    Digest previous = ledger_genesis();
    if (first > 1) {
        SIDING_ASSIGN(const auto before, database_->get(Family::ledger, keys::ledger(first - 1)));
        if (!before) {
            return entries;
        }
        SIDING_ASSIGN(const LedgerEntry line, decode_ledger(*before, first - 1, nullptr));
        previous = line.chain;
    }
    const auto lines = database_->scan(Family::ledger, {}, false);
    std::uint64_t expected = first;
    for (lines->Seek(keys::ledger(first)); lines->Valid() && entries.size() < entries_max;
         lines->Next(), ++expected) {
        if (keys::tail_number(lines->key().ToStringView()) != expected) {
            return Error{Errc::corrupt, fmt::format("ledger line {} is missing", expected)};
        }
        SIDING_ASSIGN(
            LedgerEntry entry, decode_ledger(lines->value().ToStringView(), expected, &previous)
        );
        previous = entry.chain;
        entries.push_back(std::move(entry));
    }
    if (!lines->status().ok()) {
        return database_->read_error(lines->status(), "ledger");
    }
    return entries;
}

Result<std::vector<LedgerEntry>> RocksStore::ledger_of(MessageId message) const {
    std::vector<LedgerEntry> entries;
    SIDING_TRY(for_each(
        *database_,
        Family::trace,
        keys::trace_ledger_prefix(message),
        [&](std::string_view key, std::string_view) -> Result<bool> {
            const std::uint64_t sequence = keys::tail_number(key);
            SIDING_ASSIGN(
                const auto stored, database_->get(Family::ledger, keys::ledger(sequence))
            );
            if (!stored) {
                return Error{Errc::corrupt, fmt::format("ledger line {} is missing", sequence)};
            }
            SIDING_ASSIGN(LedgerEntry entry, decode_ledger(*stored, sequence, nullptr));
            entries.push_back(std::move(entry));
            return true;
        }
    ));
    return entries;
}

Result<std::vector<MessageId>> RocksStore::find_messages(
    TraceKey key, std::string_view value, std::size_t messages_max
) const {
    const char kind = key == TraceKey::recipient ? 'r' : key == TraceKey::sender ? 's' : 'm';
    const std::string prefix = keys::trace_prefix(kind, value);
    const auto rows = database_->scan(Family::trace, keys::after_prefix(prefix));
    std::vector<MessageId> messages;
    for (rows->SeekToLast(); rows->Valid() && messages.size() < messages_max; rows->Prev()) {
        if (!rows->key().starts_with(prefix)) {
            break;
        }
        messages.push_back(keys::tail_message(rows->key().ToStringView()));
    }
    if (!rows->status().ok()) {
        return database_->read_error(rows->status(), "trace");
    }
    return messages;
}

}  // namespace siding::queue

// A store seen through a glass: reads pass unless a test bends one of them. Never written to.
#pragma once

#include "queue/store.hpp"

namespace siding::test {

class StoreView : public queue::Store {
public:
    explicit StoreView(const queue::Store& store) : store_{store} {}

    Result<void> append_body_chunk(MessageId, std::uint32_t, std::string_view) override {
        return read_only();
    }
    Result<void> abort_body(MessageId, std::uint32_t) override { return read_only(); }
    Result<std::vector<Result<queue::Applied>>> apply(
        std::span<const queue::Change* const>, WallTime
    ) override {
        return read_only();
    }
    Result<void> settle() override { return read_only(); }

    Result<queue::ListPage> list(
        const queue::Filter& filter, std::string_view cursor, std::size_t rows_max
    ) const override {
        return store_.list(filter, cursor, rows_max);
    }
    Result<queue::ListPage> list_by_age(
        const queue::Filter& filter, std::string_view cursor, std::size_t rows_max
    ) const override {
        return store_.list_by_age(filter, cursor, rows_max);
    }
    Result<queue::ListPage> rows(std::string_view cursor, std::size_t rows_max) const override {
        return store_.rows(cursor, rows_max);
    }
    Result<Total> count(const queue::Filter& filter) const override { return store_.count(filter); }
    Result<queue::ListPage> due(
        std::string_view lane, WallTime now, std::string_view cursor, std::size_t rows_max
    ) const override {
        return store_.due(lane, now, cursor, rows_max);
    }
    std::string due_cursor(std::string_view lane, WallTime from) const override {
        return store_.due_cursor(lane, from);
    }
    Result<std::optional<WallTime>> first_due_at(std::string_view lane) const override {
        return store_.first_due_at(lane);
    }
    Result<std::vector<std::string>> lanes() const override { return store_.lanes(); }
    Result<queue::Envelope> read_envelope(MessageId message) const override {
        return store_.read_envelope(message);
    }
    Result<std::string> read_body_chunk(MessageId message, std::uint32_t chunk) const override {
        return store_.read_body_chunk(message, chunk);
    }
    Result<queue::Recipient> read_recipient(RecipientId recipient) const override {
        return store_.read_recipient(recipient);
    }
    Result<std::vector<queue::LedgerEntry>> read_ledger(
        std::uint64_t from_sequence, std::size_t entries_max
    ) const override {
        return store_.read_ledger(from_sequence, entries_max);
    }
    Result<std::vector<queue::LedgerEntry>> ledger_of(MessageId message) const override {
        return store_.ledger_of(message);
    }
    queue::LedgerTail ledger_tail() const override { return store_.ledger_tail(); }
    Result<std::vector<MessageId>> find_messages(
        queue::TraceKey key, std::string_view value, std::size_t messages_max
    ) const override {
        return store_.find_messages(key, value, messages_max);
    }
    Result<std::optional<std::string>> read_value(std::string_view key) const override {
        return store_.read_value(key);
    }
    Result<queue::ValuePage> list_values(
        std::string_view prefix, std::string_view cursor, std::size_t values_max
    ) const override {
        return store_.list_values(prefix, cursor, values_max);
    }
    queue::Counters counters() const override { return store_.counters(); }
    queue::PhaseTable phases() const override { return store_.phases(); }
    Result<std::vector<queue::ReleaseJob>> releases() const override { return store_.releases(); }
    Result<std::vector<queue::FlipRecord>> flips(std::size_t flips_max) const override {
        return store_.flips(flips_max);
    }
    MessageId last_id() const override { return store_.last_id(); }
    bool failed() const override { return store_.failed(); }
    std::string failure() const override { return store_.failure(); }

protected:
    const queue::Store& store_;

private:
    static Error read_only() { return {Errc::internal, "a view is not written to"}; }
};

}  // namespace siding::test

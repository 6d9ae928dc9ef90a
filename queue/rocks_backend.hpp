// The class behind rocks_store.hpp, for its .cpp files alone: rocks_open.cpp opens and recovers,
// rocks_store.cpp writes and lists, rocks_history.cpp reads the ledger and what hangs on it,
// rocks_releases.cpp and rocks_values.cpp have what is kept beside messages.
//
// Threads as in store.hpp. facts_ is written by the commit thread under the lock and read by all.
#pragma once

#include "queue/keys.hpp"
#include "queue/rocks_batch.hpp"
#include "queue/rocks_database.hpp"
#include "queue/store.hpp"
#include "queue/watermark.hpp"

#include <mutex>
#include <optional>
#include <shared_mutex>

namespace siding::queue {

// Calls `visit(key, value)` for the keys with that prefix until it says false.
template <typename Visit>
Result<void> for_each(
    const RocksDatabase& database, Family family, const std::string& prefix, Visit visit
) {
    const auto rows = database.scan(family, keys::after_prefix(prefix));
    for (rows->Seek(prefix); rows->Valid(); rows->Next()) {
        SIDING_ASSIGN(
            const bool more, visit(rows->key().ToStringView(), rows->value().ToStringView())
        );
        if (!more) {
            return {};
        }
    }
    if (!rows->status().ok()) {
        return database.read_error(rows->status(), "scan");
    }
    return {};
}

class RocksStore final : public Store {
public:
    RocksStore(std::unique_ptr<RocksDatabase> database, std::optional<Watermark> watermark)
        : database_{std::move(database)}, watermark_{std::move(watermark)} {}

    ~RocksStore() override {
        if (watermark_ && !failed()) {
            static_cast<void>(RocksStore::settle());
        }
    }

    Result<void> load();
    Result<void> recover(WallTime now);

    Result<void> append_body_chunk(MessageId message, std::uint32_t chunk, std::string_view octets)
        override;
    Result<void> abort_body(MessageId message, std::uint32_t chunks) override;
    Result<std::vector<Result<Applied>>> apply(std::span<const Change* const> changes, WallTime now)
        override;
    Result<void> settle() override;

    Result<ListPage> list(const Filter& filter, std::string_view cursor, std::size_t rows_max)
        const override;
    Result<ListPage> list_by_age(
        const Filter& filter, std::string_view cursor, std::size_t rows_max
    ) const override;
    Result<ListPage> rows(std::string_view cursor, std::size_t rows_max) const override;
    Result<Total> count(const Filter& filter) const override;
    Result<ListPage> due(
        std::string_view lane, WallTime now, std::string_view cursor, std::size_t rows_max
    ) const override;
    std::string due_cursor(std::string_view lane, WallTime from) const override {
        return keys::due(lane, from, {});
    }
    Result<std::optional<WallTime>> first_due_at(std::string_view lane) const override;
    Result<std::vector<std::string>> lanes() const override;
    Result<Envelope> read_envelope(MessageId message) const override;
    Result<std::string> read_body_chunk(MessageId message, std::uint32_t chunk) const override;
    Result<Recipient> read_recipient(RecipientId recipient) const override;
    Result<std::vector<LedgerEntry>> read_ledger(
        std::uint64_t from_sequence, std::size_t entries_max
    ) const override;
    Result<std::vector<LedgerEntry>> ledger_of(MessageId message) const override;
    LedgerTail ledger_tail() const override {
        const std::shared_lock lock{mutex_};
        return {facts_.tail.ledger_sequence, facts_.tail.ledger_chain};
    }
    Result<std::vector<MessageId>> find_messages(
        TraceKey key, std::string_view value, std::size_t messages_max
    ) const override;

    Result<std::optional<std::string>> read_value(std::string_view key) const override;
    Result<ValuePage> list_values(
        std::string_view prefix, std::string_view cursor, std::size_t values_max
    ) const override;

    Counters counters() const override {
        const std::shared_lock lock{mutex_};
        return facts_.counters;
    }
    PhaseTable phases() const override {
        const std::shared_lock lock{mutex_};
        return facts_.phases;
    }
    Result<std::vector<ReleaseJob>> releases() const override;
    Result<std::vector<FlipRecord>> flips(std::size_t flips_max) const override;
    MessageId last_id() const override {
        const std::shared_lock lock{mutex_};
        return facts_.tail.last_id;
    }
    bool failed() const override { return database_->latch().failed(); }
    std::string failure() const override { return database_->latch().reason(); }

private:
    Result<void> load_meta(char kind, std::string_view key, std::string_view value);
    Result<void> drop_unfinished_bodies();
    Result<std::vector<RecipientId>> in_flight_page(const std::string& after) const;
    Result<void> recover_in_flight(WallTime now);
    Result<void> write(RocksBatch& batch);

    std::unique_ptr<RocksDatabase> database_;
    std::optional<Watermark> watermark_;  // unset when read only
    mutable std::shared_mutex mutex_;     // facts_: written by the commit thread, read by all
    Facts facts_;
};

}  // namespace siding::queue

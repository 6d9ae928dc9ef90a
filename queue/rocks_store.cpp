#include "queue/rocks_store.hpp"

#include "queue/frame.hpp"
#include "queue/rocks_backend.hpp"
#include "queue/rocks_listing.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace siding::queue {

Result<void> RocksStore::append_body_chunk(
    MessageId message, std::uint32_t chunk, std::string_view octets
) {
    rocksdb::WriteBatch batch;
    if (chunk == 0) {
        batch.Put(database_->handle(Family::meta), keys::meta_writing(message), "");
    }
    put_framed(batch, database_->handle(Family::body), keys::body(message, chunk), octets);
    return database_->write_unsynced(batch);
}

Result<void> RocksStore::abort_body(MessageId message, std::uint32_t chunks) {
    rocksdb::WriteBatch batch;
    batch.Delete(database_->handle(Family::meta), keys::meta_writing(message));
    for (std::uint32_t chunk = 0; chunk < chunks; ++chunk) {
        batch.Delete(database_->handle(Family::body), keys::body(message, chunk));
    }
    return database_->write_unsynced(batch);
}

Result<std::vector<Result<Applied>>> RocksStore::apply(
    std::span<const Change* const> changes, WallTime now
) {
    if (failed()) {
        return Error{Errc::storage_failure, failure()};
    }
    RocksBatch batch{*database_, facts_, now};
    std::vector<Result<Applied>> results;
    results.reserve(changes.size());
    for (const Change* change : changes) {
        results.push_back(batch.apply(*change));
    }
    if (batch.empty()) {
        return results;
    }
    SIDING_TRY(write(batch));
    return results;
}

Result<void> RocksStore::write(RocksBatch& batch) {
    SIDING_TRY(database_->write_synced(batch.finish()));
    const std::unique_lock lock{mutex_};
    batch.publish(facts_);
    return {};
}

Result<void> RocksStore::settle() {
    if (!watermark_ || watermark_->value() == facts_.tail.commit_sequence) {
        return {};
    }
    auto moved = watermark_->advance(facts_.tail.commit_sequence);
    if (!moved) {
        database_->latch().fail(moved.error().message());
    }
    return moved;
}

Result<ListPage> RocksStore::list(
    const Filter& filter, std::string_view cursor, std::size_t rows_max
) const {
    ListPage page;
    if (rows_max == 0 || filter.state == State::discarded) {
        return page;
    }
    // A message found through an index gives all its recipients at once, so a page may run over.
    SIDING_ASSIGN(
        page.cursor,
        walk(
            *database_,
            plan_walk(filter, counters()),
            filter,
            cursor,
            [&](Recipient row) {
                page.rows.push_back(std::move(row));
                return page.rows.size() < rows_max;
            }
        )
    );
    return page;
}

Result<ListPage> RocksStore::list_by_age(
    const Filter& filter, std::string_view cursor, std::size_t rows_max
) const {
    ListPage page;
    if (rows_max == 0) {
        return page;
    }
    SIDING_ASSIGN(
        page.cursor,
        walk(
            *database_,
            plan_walk_by_age(filter),
            filter,
            cursor,
            [&](Recipient row) {
                page.rows.push_back(std::move(row));
                return page.rows.size() < rows_max;
            }
        )
    );
    return page;
}

Result<ListPage> RocksStore::rows(std::string_view cursor, std::size_t rows_max) const {
    ListPage page;
    const std::vector<Stretch> all{
        {Family::recipient,
         {},
         Stretch::Shape::recipient_keys,
         {all_states.begin(), all_states.end()}}};
    SIDING_ASSIGN(page.cursor, walk(*database_, all, {}, cursor, [&](Recipient row) {
                      page.rows.push_back(std::move(row));
                      return page.rows.size() < rows_max;
                  }));
    return page;
}

Result<Store::Total> RocksStore::count(const Filter& filter) const {
    Total total;
    const std::uint64_t limit = filter.limit.value_or(UINT64_MAX);
    if (limit == 0) {
        return total;
    }
    SIDING_TRY(walk(
        *database_,
        plan_walk(filter, counters()),
        filter,
        {},
        [&](const Recipient& row) {
            if (total.recipients < limit) {
                total.recipients += 1;
                total.octets += row.size_octets;
            }
            return total.recipients < limit;
        }
    ));
    return total;
}

Result<ListPage> RocksStore::due(
    std::string_view lane, WallTime now, std::string_view cursor, std::size_t rows_max
) const {
    ListPage page;
    const std::string prefix = keys::due_prefix(lane);
    const std::string end = keys::due(lane, now + std::chrono::milliseconds{1}, {});
    const auto rows = database_->scan(Family::due, end);
    rows->Seek(
        cursor.empty() ? rocksdb::Slice{prefix} : rocksdb::Slice{cursor.data(), cursor.size()}
    );
    if (!cursor.empty() && rows->Valid() &&
        rows->key() == rocksdb::Slice{cursor.data(), cursor.size()}) {
        rows->Next();
    }
    for (; rows->Valid(); rows->Next()) {
        if (page.rows.size() == rows_max) {
            return page;
        }
        page.cursor = rows->key().ToString();
        const RecipientId id = keys::tail_recipient(rows->key().ToStringView());
        auto row = read_recipient(id);
        if (row && row->state == State::due) {
            page.rows.push_back(std::move(*row));
        }
    }
    if (!rows->status().ok()) {
        return database_->read_error(rows->status(), "due work");
    }
    page.cursor.clear();
    return page;
}

Result<std::optional<WallTime>> RocksStore::first_due_at(std::string_view lane) const {
    const std::string prefix = keys::due_prefix(lane);
    const auto rows = database_->scan(Family::due, keys::after_prefix(prefix));
    for (rows->Seek(prefix); rows->Valid(); rows->Next()) {
        // A key whose row cannot be read gives no work: it must not look due for ever.
        const std::string_view key = rows->key().ToStringView();
        const auto row = read_recipient(keys::tail_recipient(key));
        if (row && row->state == State::due) {
            return std::optional{keys::due_time(key)};
        }
    }
    if (!rows->status().ok()) {
        return database_->read_error(rows->status(), "due work");
    }
    return std::optional<WallTime>{};
}

Result<std::vector<std::string>> RocksStore::lanes() const {
    std::vector<std::string> lanes;
    const std::string end = keys::after_prefix("d");
    const auto rows = database_->scan(Family::due, end);
    for (rows->Seek("d"); rows->Valid();) {
        std::string_view rest = rows->key().ToStringView().substr(1);
        const auto lane = keys::take_text(rest);
        if (!lane) {
            return Error{Errc::corrupt, "a key in due is malformed"};
        }
        lanes.push_back(*lane);
        rows->Seek(keys::after_prefix(keys::due_prefix(*lane)));
    }
    if (!rows->status().ok()) {
        return database_->read_error(rows->status(), "lanes");
    }
    return lanes;
}

Result<Envelope> RocksStore::read_envelope(MessageId message) const {
    SIDING_ASSIGN(const auto stored, database_->get(Family::message, keys::message(message)));
    if (!stored) {
        return Error{
            Errc::not_found,
            fmt::format(
                "message {} is not in the queue; 'siding trace {}' tells what became of it",
                message.text(),
                message.text()
            )};
    }
    return decode_envelope(*stored, "message/" + message.text());
}

Result<std::string> RocksStore::read_body_chunk(MessageId message, std::uint32_t chunk) const {
    const std::string name = fmt::format("body/{}/{}", message.text(), chunk);
    SIDING_ASSIGN(auto stored, database_->get(Family::body, keys::body(message, chunk)));
    if (!stored) {
        return Error{Errc::not_found, name + " is not in the queue"};
    }
    SIDING_ASSIGN(const std::string_view octets, unseal(*stored, name));
    const auto frame = static_cast<std::size_t>(octets.data() - stored->data());
    stored->erase(0, frame);
    return std::move(*stored);
}

Result<Recipient> RocksStore::read_recipient(RecipientId recipient) const {
    SIDING_ASSIGN(const auto stored, database_->get(Family::recipient, keys::recipient(recipient)));
    if (!stored) {
        return Error{
            Errc::not_found, fmt::format("recipient {} is not in the queue", recipient.text())};
    }
    SIDING_ASSIGN(RecipientRow row, decode_recipient(*stored, recipient));
    return std::move(row.recipient);
}

}  // namespace siding::queue

#include "queue/rocks_store.hpp"

#include "base/limits.hpp"
#include "base/log.hpp"
#include "queue/frame.hpp"
#include "queue/keys.hpp"
#include "queue/rocks_batch.hpp"
#include "queue/rocks_listing.hpp"
#include "queue/watermark.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <fmt/format.h>
#include <mutex>
#include <shared_mutex>
#include <unistd.h>

namespace siding::queue {
namespace {

const Logger log{"queue"};

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
        return database.to_error(rows->status(), "scan");
    }
    return {};
}

Error acked_mail_is_missing(std::uint64_t recovered, std::uint64_t acked) {
    return Error{
        Errc::corrupt,
        fmt::format(
            "the queue recovered up to commit {}, but commits up to {} were acknowledged: accepted "
            "mail is missing. Nothing was changed; copy the directory, check the disk, and restore "
            "a backup or export what is readable with 'siding queue export --data-dir'",
            recovered,
            acked
        )};
}

Result<void> check_recovered(const RocksDatabase& database, std::uint64_t acked) {
    SIDING_ASSIGN(const auto stored, database.get(Family::meta, keys::meta_tail));
    Tail tail;
    if (stored) {
        SIDING_ASSIGN(tail, decode_tail(*stored));
    }
    if (tail.commit_sequence < acked) {
        return acked_mail_is_missing(tail.commit_sequence, acked);
    }
    return {};
}

// RocksDB rewrites its files as it opens and drops what it could not recover. So a queue that must
// not be opened is told by a look that changes nothing.
Result<void> look_before_open(const RocksOptions& options, std::uint64_t acked) {
    if (acked == 0) {
        return {};
    }
    if (!std::filesystem::exists(options.directory / "CURRENT")) {
        return acked_mail_is_missing(0, acked);
    }
    RocksOptions looking = options;
    looking.read_only = true;
    auto database = RocksDatabase::open(looking);
    const Result<void> good =
        database ? check_recovered(**database, acked) : Result<void>{database.error()};
    // Of a queue in use the look may see half; RocksDB's own open tells all other errors better.
    const bool refused = !good && good.error().is(Errc::corrupt);
    return refused && !RocksDatabase::is_in_use(options.directory) ? good : Result<void>{};
}

Result<void> sync_directory(const std::filesystem::path& directory) {
    const int fd = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const bool synced = fd >= 0 && fsync(fd) == 0;
    const int code = errno;
    if (fd >= 0) {
        ::close(fd);
    }
    if (!synced) {
        return Error{
            boost::system::error_code{code, boost::system::system_category()},
            "sync " + directory.string()};
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

    Counters counters() const override {
        const std::shared_lock lock{mutex_};
        return facts_.counters;
    }
    PhaseTable phases() const override {
        const std::shared_lock lock{mutex_};
        return facts_.phases;
    }
    Result<std::vector<ReleaseJob>> releases() const override;
    MessageId last_id() const override {
        const std::shared_lock lock{mutex_};
        return facts_.tail.last_id;
    }
    bool failed() const override { return database_->latch().failed(); }
    std::string failure() const override { return database_->latch().reason(); }

private:
    Result<void> load_meta(char kind, std::string_view key, std::string_view value);
    Result<void> drop_unfinished_bodies();
    Result<std::vector<RecipientId>> in_flight_page() const;
    Result<void> recover_in_flight(WallTime now);
    Result<void> write(RocksBatch& batch);

    std::unique_ptr<RocksDatabase> database_;
    std::optional<Watermark> watermark_;  // unset when read only
    mutable std::shared_mutex mutex_;     // facts_: written by the commit thread, read by all
    Facts facts_;
};

Result<void> RocksStore::load() {
    SIDING_ASSIGN(const auto tail, database_->get(Family::meta, keys::meta_tail));
    if (tail) {
        SIDING_ASSIGN(facts_.tail, decode_tail(*tail));
    }
    facts_.phases.epoch = facts_.tail.epoch;
    for (const char kind :
         {keys::meta_counts_kind, keys::meta_release_counts_kind, keys::meta_phase_kind}) {
        SIDING_TRY(for_each(
            *database_,
            Family::meta,
            std::string(1, kind),
            [&](std::string_view key, std::string_view value) -> Result<bool> {
                SIDING_TRY(load_meta(kind, key, value));
                return true;
            }
        ));
    }
    return {};
}

Result<void> RocksStore::load_meta(char kind, std::string_view key, std::string_view value) {
    std::string_view rest = key.substr(1);
    if (kind == keys::meta_release_counts_kind) {
        SIDING_ASSIGN(
            facts_.counters.releases[keys::tail_number(key)],
            decode_counts(value, "meta/release counts")
        );
        return {};
    }
    const auto domain = keys::take_text(rest);
    const auto wave = keys::take_text(rest);
    if (!domain || !wave) {
        return Error{Errc::corrupt, "a key in meta is malformed"};
    }
    const std::pair wave_key{*domain, *wave};
    if (kind == keys::meta_counts_kind) {
        SIDING_ASSIGN(facts_.counters.waves[wave_key], decode_counts(value, "meta/counts"));
        return {};
    }
    SIDING_ASSIGN(const std::string_view text, unseal(value, "meta/phase"));
    SIDING_ASSIGN(facts_.phases.phases[wave_key], parse_phase(text));
    return {};
}

Result<void> RocksStore::recover(WallTime now) {
    SIDING_TRY(drop_unfinished_bodies());
    return recover_in_flight(now);
}

// Chunks of a body whose end never came, or whose commit never was: nobody was told 250.
Result<void> RocksStore::drop_unfinished_bodies() {
    std::vector<MessageId> unfinished;
    SIDING_TRY(for_each(
        *database_,
        Family::meta,
        std::string(1, keys::meta_writing_kind),
        [&](std::string_view key, std::string_view) -> Result<bool> {
            unfinished.push_back(keys::tail_message(key));
            return true;
        }
    ));
    for (const MessageId message : unfinished) {
        std::uint32_t chunks = 0;
        SIDING_TRY(for_each(
            *database_,
            Family::body,
            keys::message(message),
            [&](std::string_view, std::string_view) -> Result<bool> {
                ++chunks;
                return true;
            }
        ));
        log.info("unfinished_body_dropped", {{"mid", message}, {"chunks", chunks}});
        SIDING_TRY(abort_body(message, chunks));
    }
    return {};
}

Result<void> RocksStore::recover_in_flight(WallTime now) {
    for (bool started = false; !started;) {
        MoveRecipients move;
        move.event = Event::recover;
        move.due_at = now;
        move.who = "sidingd";
        move.why = "the daemon stopped during the attempt; the server may have the message";
        SIDING_ASSIGN(move.recipients, in_flight_page());
        const auto first =
            move.recipients.empty() ? std::nullopt : std::optional{move.recipients.front()};
        RocksBatch batch{*database_, facts_, now};
        // One batch with the last page, so that a crash finds both or neither.
        started = move.recipients.size() < limits::change_page_rows;
        if (first) {
            SIDING_ASSIGN(const Applied moved, batch.apply(Change{std::move(move)}));
            log.warn("attempts_recovered", {{"recipients", moved.moved}});
        }
        if (started) {
            LedgerEntry line;
            line.kind = LedgerKind::started;
            batch.note(std::move(line));
        }
        SIDING_TRY(write(batch));
        SIDING_ASSIGN(const auto left, in_flight_page());
        if (first && !left.empty() && left.front() == *first) {
            return Error{
                Errc::corrupt, "in-flight index keys without recipients; run 'siding audit'"};
        }
    }
    return {};
}

Result<std::vector<RecipientId>> RocksStore::in_flight_page() const {
    std::vector<RecipientId> page;
    SIDING_TRY(for_each(
        *database_,
        Family::due,
        keys::in_flight_prefix(),
        [&](std::string_view key, std::string_view) -> Result<bool> {
            page.push_back(keys::tail_recipient(key));
            return page.size() < limits::change_page_rows;
        }
    ));
    return page;
}

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
    if (rows_max == 0 || (filter.state && is_final(*filter.state))) {
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

Result<ListPage> RocksStore::rows(std::string_view cursor, std::size_t rows_max) const {
    ListPage page;
    const std::vector<Stretch> all{{Family::recipient, {}, Stretch::Shape::recipient_keys, {}}};
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
        return database_->to_error(rows->status(), "due work");
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
        return database_->to_error(rows->status(), "due work");
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
        return database_->to_error(rows->status(), "lanes");
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
        return database_->to_error(lines->status(), "ledger");
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
        return database_->to_error(rows->status(), "trace");
    }
    return messages;
}

Result<std::vector<ReleaseJob>> RocksStore::releases() const {
    std::vector<ReleaseJob> jobs;
    SIDING_TRY(for_each(
        *database_,
        Family::meta,
        std::string(1, keys::meta_release_kind),
        [&](std::string_view, std::string_view value) -> Result<bool> {
            SIDING_ASSIGN(ReleaseJob job, decode_release(value));
            jobs.push_back(std::move(job));
            return true;
        }
    ));
    return jobs;
}

}  // namespace

Result<std::unique_ptr<Store>> open_store(const RocksOptions& options, WallTime now) {
    std::error_code failure;
    std::filesystem::create_directories(options.directory, failure);
    if (failure) {
        return Error{boost::system::error_code{failure}, "create " + options.directory.string()};
    }
    RocksOptions inner = options;
    inner.directory = options.directory / "db";
    SIDING_ASSIGN(Watermark watermark, Watermark::open(options.directory / "acked.mark"));
    SIDING_TRY(look_before_open(inner, watermark.value()));
    SIDING_ASSIGN(auto database, RocksDatabase::open(inner));
    SIDING_TRY(check_recovered(*database, watermark.value()));
    // The names of what was just made: a queue without them is an empty one.
    SIDING_TRY(sync_directory(options.directory));
    SIDING_TRY(sync_directory(options.directory / ".."));
    auto store = std::make_unique<RocksStore>(std::move(database), std::move(watermark));
    SIDING_TRY(store->load());
    SIDING_TRY(store->recover(now));
    return std::unique_ptr<Store>{std::move(store)};
}

Result<std::unique_ptr<Store>> open_store(const std::filesystem::path& directory, WallTime now) {
    RocksOptions options;
    options.directory = directory;
    return open_store(options, now);
}

Result<std::unique_ptr<Store>> open_store_read_only(const std::filesystem::path& directory) {
    RocksOptions options;
    options.directory = directory / "db";
    options.read_only = true;
    if (!std::filesystem::exists(options.directory)) {
        return Error{
            Errc::not_found,
            fmt::format(
                "{} has no queue; give the data_dir of the configuration", directory.string()
            )};
    }
    SIDING_ASSIGN(auto database, RocksDatabase::open(options));
    auto store = std::make_unique<RocksStore>(std::move(database), std::nullopt);
    SIDING_TRY(store->load());
    return std::unique_ptr<Store>{std::move(store)};
}

}  // namespace siding::queue

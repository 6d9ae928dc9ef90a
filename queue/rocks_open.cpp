#include "base/limits.hpp"
#include "base/log.hpp"
#include "queue/frame.hpp"
#include "queue/rocks_backend.hpp"
#include "queue/rocks_store.hpp"

#include <cerrno>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

namespace siding::queue {
namespace {

const Logger log{"queue"};

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

}  // namespace

Result<void> RocksStore::load() {
    SIDING_ASSIGN(const auto tail, database_->get(Family::meta, keys::meta_tail));
    if (tail) {
        SIDING_ASSIGN(facts_.tail, decode_tail(*tail));
    }
    facts_.phases.epoch = facts_.tail.epoch;
    facts_.counters.retained = facts_.tail.retained;
    for (const char kind :
         {keys::meta_counts_kind,
          keys::meta_release_counts_kind,
          keys::meta_phase_kind,
          keys::meta_copy_kind}) {
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
    if (kind == keys::meta_copy_kind) {
        facts_.phases.copies[wave_key] = text;
        return {};
    }
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

// Attempts that the last run left open. A row that cannot be read stays in flight, for the audit to
// name; it does not keep the others from being served.
Result<void> RocksStore::recover_in_flight(WallTime now) {
    std::string after;
    for (bool started = false; !started;) {
        MoveRecipients move;
        move.event = Event::recover;
        move.due_at = now;
        move.who = "sidingd";
        move.why = "the daemon stopped during the attempt; the server may have the message";
        SIDING_ASSIGN(move.recipients, in_flight_page(after));
        RocksBatch batch{*database_, facts_, now};
        // One batch with the last page, so that a crash finds both or neither.
        started = move.recipients.size() < limits::change_page_rows;
        if (!move.recipients.empty()) {
            after = keys::in_flight(move.recipients.back());
            SIDING_ASSIGN(const Applied moved, batch.apply(Change{std::move(move)}));
            log.warn("attempts_recovered", {{"recipients", moved.moved}});
        }
        if (started) {
            LedgerEntry line;
            line.kind = LedgerKind::started;
            batch.note(std::move(line));
        }
        SIDING_TRY(write(batch));
    }
    return {};
}

Result<std::vector<RecipientId>> RocksStore::in_flight_page(const std::string& after) const {
    std::vector<RecipientId> page;
    const std::string prefix = keys::in_flight_prefix();
    const auto rows = database_->scan(Family::due, keys::after_prefix(prefix));
    for (rows->Seek(after.empty() ? prefix : after);
         rows->Valid() && page.size() < limits::change_page_rows;
         rows->Next()) {
        if (rows->key() != after) {
            page.push_back(keys::tail_recipient(rows->key().ToStringView()));
        }
    }
    if (!rows->status().ok()) {
        return database_->read_error(rows->status(), "in-flight recipients");
    }
    return page;
}

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

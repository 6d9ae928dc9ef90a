// MailboxPass: what has changed, and what is new.
#include "backfill/mailbox_pass.hpp"

#include "backfill/direct_arrivals.hpp"
#include "backfill/limits.hpp"
#include "backfill/mailbox_name.hpp"
#include "backfill/match.hpp"
#include "backfill/message_queue.hpp"
#include "backfill/message_reader.hpp"
#include "base/bytes.hpp"
#include "base/log.hpp"
#include "net/run_on.hpp"
#include "net/task_group.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <limits>
#include <utility>

namespace siding::backfill {
namespace {

using net::awaitable;

const Logger log{"backfill"};

// Of what may be in memory, so much waits between the two ends; the rest is in batches under way.
constexpr std::uint64_t queue_share = 4;
constexpr std::uint64_t batch_octets_min = 256 * 1024;
constexpr std::uint64_t uid_max = std::numeric_limits<std::uint32_t>::max();

}  // namespace

PassCounts& PassCounts::operator+=(const PassCounts& other) {
    to_copy += other.to_copy;
    copied += other.copied;
    octets += other.octets;
    adopted += other.adopted;
    moved += other.moved;
    flags += other.flags;
    gone += other.gone;
    refused += other.refused;
    unreadable += other.unreadable;
    return *this;
}

MailboxPass::MailboxPass(
    const Account& account, FolderPlan::Row row, FolderState state, MailboxRecord record
)
    : account_{account},
      row_{std::move(row)},
      state_{std::move(state)},
      record_{std::move(record)} {
    check_destination();
}

awaitable<Result<void>> MailboxPass::look(const Pair& pair) {
    pair_ = &pair;
    if (has_nothing_new(record_, state_.status, account_.compare_all_flags)) {
        auto look = [this] { return account_.ledger.intents(account_.id, record_); };
        SIDING_CO_ASSIGN(const auto intents, co_await net::run_on(account_.blocking, look));
        is_untouched_ = intents.empty();
        if (is_untouched_) {
            co_return Result<void>{};
        }
    }
    if (record_.pass == 0) {
        co_return Result<void>{};  // all is new; copy() opens it
    }
    SIDING_CO_TRY(co_await source().examine(row_.source));
    seen_ = *source().mailbox();
    if (seen_.uid_validity != record_.source_uid_validity) {
        SIDING_CO_TRY(co_await begin_epoch());
    }
    SIDING_CO_TRY(co_await find_gone());
    auto brought = co_await bring_flags();
    co_return brought;
}

// What has been copied stays where it is: another plan counts for other mailboxes.
void MailboxPass::check_destination() {
    if (record_.destination.empty()) {
        record_.destination = row_.destination;
    }
    if (record_.destination != row_.destination) {
        log.warn(
            "destination_kept",
            {{"mailbox", row_.source},
             {"destination", record_.destination},
             {"wanted", row_.destination}}
        );
    }
}

// RFC 3501 §2.3.1.1, RFC 7162 §3.1.2.1: equal numbers mean an equal mailbox, flags included where
// it counts them.
bool MailboxPass::has_nothing_new(
    const MailboxRecord& record, const StatusItem& now, bool compare_all_flags
) {
    const bool is_same = record.pass > 0 && now.uid_validity == record.source_uid_validity &&
                         now.uid_next == record.uid_next && now.messages == record.messages;
    if (!is_same) {
        return false;
    }
    return record.modseq > 0 ? now.highest_modseq == record.modseq
                             : !compare_all_flags || now.messages == 0U;
}

std::uint64_t MailboxPass::messages_expected() const {
    const std::uint64_t now = state_.status.messages.value_or(0);
    return now > record_.messages ? now - record_.messages : 0;
}

// The source numbers its messages anew: what is known of the old numbers is found by octets.
awaitable<Result<void>> MailboxPass::begin_epoch() {
    const std::string before = record_.source_uid_validity;
    if (before.empty()) {
        record_.source_uid_validity = seen_.uid_validity;  // written with the first row
        co_return Result<void>{};
    }
    if (record_.copied_below > 0) {
        log.warn(
            "uidvalidity_changed",
            {{"mailbox", row_.source}, {"before", before}, {"now", seen_.uid_validity}}
        );
    }
    auto begin = [this, &before]() -> Result<void> {
        SIDING_ASSIGN(
            record_, account_.ledger.begin_epoch(account_.id, record_, seen_.uid_validity)
        );
        for (std::uint64_t from = 1; from != 0;) {
            SIDING_ASSIGN(
                const LedgerPage page,
                account_.ledger.epoch_rows(
                    account_.id, record_, before, from, limits::ledger_page_rows
                )
            );
            for (const CopyRecord& row : page.rows) {
                if (row.state == CopyState::copied && row.destination_uid != 0) {
                    adoptable_.add(row.digests, row.destination_uid);
                }
            }
            from = page.next_uid;
        }
        return {};
    };
    auto begun = co_await net::run_on(account_.blocking, begin);
    co_return begun;
}

// UIDs from `from` on that have a row.
awaitable<Result<ImapSet>> MailboxPass::recorded(std::uint64_t from) {
    auto walk = [this, from]() -> Result<ImapSet> {
        ImapSet set;
        for (std::uint64_t at = std::max<std::uint64_t>(from, 1); at != 0;) {
            SIDING_ASSIGN(
                const LedgerPage page,
                account_.ledger.list(account_.id, record_, at, limits::ledger_page_rows)
            );
            for (const CopyRecord& row : page.rows) {
                if (!row.is_gone_at_source) {
                    set.add(row.uid);
                }
            }
            at = page.next_uid;
        }
        return set;
    };
    auto set = co_await net::run_on(account_.blocking, walk);
    co_return set;
}

// Expunged at the source: when there are fewer messages than the old and the new ones together.
awaitable<Result<void>> MailboxPass::find_gone() {
    SIDING_CO_ASSIGN(const ImapSet fresh, co_await source().uids(record_.copied_below));
    const bool has_all = record_.messages + fresh.count() == seen_.messages;
    if (has_all) {
        co_return Result<void>{};
    }
    SIDING_CO_ASSIGN(const ImapSet there, co_await source().uids(1));
    SIDING_CO_ASSIGN(const ImapSet known, co_await recorded(1));
    const ImapSet gone = known.minus(there);
    std::vector<CopyRecord> rows;
    for (const std::uint64_t uid : gone.numbers(SIZE_MAX)) {
        auto find = [this, uid] { return account_.ledger.find(account_.id, record_, uid); };
        SIDING_CO_ASSIGN(auto row, co_await net::run_on(account_.blocking, find));
        if (row) {
            row->is_gone_at_source = true;
            rows.push_back(std::move(*row));
            ++counts_.gone;
        }
        if (rows.size() >= limits::ledger_page_rows) {
            std::vector<CopyRecord> full = std::exchange(rows, {});
            SIDING_CO_TRY(co_await write(std::move(full)));
        }
    }
    auto written = co_await write(std::move(rows));
    co_return written;
}

awaitable<Result<void>> MailboxPass::copy(const Pair& pair, bool has_gone_messages) {
    if (is_untouched_) {
        co_return Result<void>{};
    }
    pair_ = &pair;
    SIDING_CO_TRY(co_await open_both());
    SIDING_CO_TRY(co_await settle_intents());
    const std::uint64_t from = std::max<std::uint64_t>(record_.copied_below, 1);
    SIDING_CO_ASSIGN(ImapSet uids, co_await source().uids(from));
    if (seen_.uid_next > 0) {
        uids = uids.both(ImapSet{1, seen_.uid_next - 1});  // what is newer is the next pass's
    }
    SIDING_CO_ASSIGN(const ImapSet known, co_await recorded(from));
    uids = uids.minus(known);
    uids.add(again_);
    if (!uids.empty()) {
        if ((record_.pass == 0 && adoptable_.empty()) || must_learn_) {
            SIDING_CO_TRY(co_await learn_destination());
        }
        counts_.to_copy = uids.count();
        PassCounts first;
        first.to_copy = counts_.to_copy;
        account_.on_progress(first);
        SIDING_CO_TRY(co_await transfer(uids, has_gone_messages));
    }
    record_.pass = account_.pass;
    record_.uid_next = seen_.uid_next;
    record_.messages = seen_.messages;
    record_.modseq = seen_.modseq;
    const std::uint64_t behind = uids.empty() ? record_.copied_below : uids.last() + 1;
    record_.copied_below = std::max({record_.copied_below, seen_.uid_next, behind});
    auto put = co_await put_record();
    co_return put;
}

// At the same time: the way to each of them may be long.
awaitable<Result<void>> MailboxPass::open_both() {
    const auto& open = source().mailbox();
    const bool is_open = open && open->name == row_.source && !seen_.name.empty();
    std::optional<ImapTag> examine;
    if (!is_open) {
        SIDING_CO_ASSIGN(
            examine, co_await source().start_open(row_.source, ImapSession::Access::read_only)
        );
    }
    SIDING_CO_ASSIGN(
        ImapTag select,
        co_await destination().start_open(record_.destination, ImapSession::Access::read_write)
    );
    if (examine) {
        SIDING_CO_TRY(co_await source().finish_open(std::move(*examine)));
    }
    if (seen_.name.empty()) {
        seen_ = *source().mailbox();
        if (seen_.uid_validity != record_.source_uid_validity) {
            SIDING_CO_TRY(co_await begin_epoch());
        }
    }
    SIDING_CO_TRY(co_await destination().finish_open(std::move(select)));
    auto taken = co_await take_destination();
    co_return taken;
}

awaitable<Result<void>> MailboxPass::transfer(ImapSet uids, bool has_gone_messages) {
    auto executor = co_await net::asio::this_coro::executor;
    const std::uint64_t share = account_.memory / queue_share;
    MessageQueue queue{executor, share};
    AppendWriter::Needs needs{
        .ledger = account_.ledger,
        .blocking = account_.blocking,
        .account = account_.id,
        .mailbox = record_,
        .adoptable = adoptable_,
        .is_rest = row_.is_rest,
        .has_gone_messages = has_gone_messages,
        .must_ask_first = account_.must_ask_first,
        .pass = account_.pass,
        .batch_octets_max =
            std::clamp<std::uint64_t>(share, batch_octets_min, limits::append_batch_octets_max),
        .on_row = [this](const CopyRecord& row) { on_row(row); },
    };
    AppendWriter writer{destination(), std::move(needs)};
    net::TaskGroup group{executor, "fetch", 1};
    Result<void> fetched;
    const auto take = archived_ == nullptr ? &MailboxPass::fetch : &MailboxPass::fetch_archived;
    SIDING_CO_TRY(group.spawn(take(*this, std::move(uids), queue, fetched)));
    auto written = co_await writer.run(queue);
    queue.stop();
    co_await group.join();
    SIDING_CO_TRY(std::move(written));
    SIDING_CO_TRY(std::move(fetched));
    SIDING_CO_TRY(co_await bind_new());
    std::vector<AppendWriter::Move> moves = writer.moves();
    auto moved = co_await move(std::move(moves));
    co_return moved;
}

// The other end of the queue.
awaitable<void> MailboxPass::fetch(
    MailboxPass& self, ImapSet uids, MessageQueue& queue, Result<void>& outcome
) {
    MessageReader::Needs needs{self.account_.blocking, self.account_.spool};
    MessageReader reader{self.source(), std::move(needs), uids};
    for (;;) {
        auto message = co_await reader.next();
        if (!message) {
            outcome = std::move(message).error();
            break;
        }
        if (!*message) {
            outcome = co_await self.note_rest(uids, reader);
            break;
        }
        outcome = co_await self.note_direct(**message);
        if (!outcome) {
            break;
        }
        const std::uint64_t octets = (*message)->octets;
        const bool taken = co_await queue.push(std::move(**message));
        if (!taken) {
            break;
        }
        co_await self.account_.bandwidth.spend(octets);
    }
    queue.end();
}

awaitable<Result<void>> MailboxPass::note_direct(const FetchedMessage& message) {
    if (!account_.switched_at || !is_inbox(row_.source)) {
        co_return Result<void>{};
    }
    const auto arrival = direct_arrival(row_.source, message, *account_.switched_at);
    if (!arrival) {
        co_return Result<void>{};
    }
    log.info(
        "direct_arrival",
        {{"uid", arrival->uid}, {"date", arrival->date}, {"received", arrival->received}}
    );
    auto keep = [this, &arrival] {
        return keep_direct_arrival(account_.ledger, account_.id, *arrival);
    };
    auto kept = co_await net::run_on(account_.blocking, keep);
    co_return kept;
}

// What was asked for and not given. Nothing is left out without a word: what the source still lists
// is unreadable, also where it has said OK.
awaitable<Result<void>> MailboxPass::note_rest(const ImapSet& asked, const MessageReader& reader) {
    std::map<std::uint64_t, std::string> unread = reader.unread();
    const ImapSet silent = asked.minus(reader.seen());
    if (silent.count() > unread.size()) {
        SIDING_CO_ASSIGN(const ImapSet there, co_await source().uids(silent.first()));
        for (const std::uint64_t uid : silent.both(there).numbers(SIZE_MAX)) {
            unread.emplace(uid, "the source says OK, and gives no message");
        }
    }
    auto noted = co_await note_unreadable(unread);
    co_return noted;
}

awaitable<Result<void>> MailboxPass::note_unreadable(
    const std::map<std::uint64_t, std::string>& unread
) {
    std::vector<CopyRecord> rows;
    for (const auto& [uid, words] : unread) {
        CopyRecord row;
        row.uid = uid;
        row.state = CopyState::unreadable;
        row.pass = account_.pass;
        row.words = words;
        rows.push_back(std::move(row));
        ++counts_.unreadable;
        PassCounts one;
        one.unreadable = 1;
        account_.on_progress(one);
    }
    auto written = co_await write(std::move(rows));
    co_return written;
}

void MailboxPass::on_row(const CopyRecord& row) {
    PassCounts one;
    if (row.state == CopyState::refused) {
        one.refused = 1;
    } else if (row.state == CopyState::copied) {
        one.copied = 1;
        one.octets = row.octets;
        has_unbound_ = has_unbound_ || row.destination_uid == 0;
        if (row.destination_uid != 0) {
            told_.add(row.destination_uid);
        }
    }
    counts_ += one;
    account_.on_progress(one);
}

awaitable<Result<void>> MailboxPass::write(std::vector<CopyRecord> rows) {
    if (rows.empty()) {
        co_return Result<void>{};
    }
    auto put = [this, &rows] { return account_.ledger.record(account_.id, record_, rows); };
    auto written = co_await net::run_on(account_.blocking, put);
    co_return written;
}

awaitable<Result<void>> MailboxPass::put_record() {
    auto put = [this] { return account_.ledger.put(account_.id, record_); };
    auto written = co_await net::run_on(account_.blocking, put);
    co_return written;
}

}  // namespace siding::backfill

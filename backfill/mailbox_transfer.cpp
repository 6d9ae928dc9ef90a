// MailboxPass: messages from the one server to the other, and what became of each.
#include "backfill/direct_arrivals.hpp"
#include "backfill/limits.hpp"
#include "backfill/mailbox_name.hpp"
#include "backfill/mailbox_pass.hpp"
#include "backfill/message_queue.hpp"
#include "backfill/message_reader.hpp"
#include "base/log.hpp"
#include "net/run_on.hpp"
#include "net/task_group.hpp"

#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <chrono>
#include <utility>

namespace siding::backfill {
namespace {

using net::awaitable;

const Logger log{"backfill"};

// Of what may be in memory, so much waits between the two ends; the rest is in batches under way.
constexpr std::uint64_t queue_share = 4;
constexpr std::uint64_t batch_octets_min = 256 * 1024;
constexpr std::chrono::milliseconds stop_look = std::chrono::milliseconds{250};

}  // namespace

struct MailboxPass::StopWatch {
    StopWatch(MessageQueue& of, net::asio::steady_timer look) : queue{of}, timer{std::move(look)} {}

    MessageQueue& queue;
    net::asio::steady_timer timer;
    bool is_over = false;
};

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
        .suspects = account_.suspects,
        .moving = account_.moving,
        .pass = account_.pass,
        .batch_octets_max =
            std::clamp<std::uint64_t>(share, batch_octets_min, limits::append_batch_octets_max),
        .on_taken =
            [this](std::uint64_t octets, bool is_sent) { account_.pace.on_taken(octets, is_sent); },
        .on_row = [this](const CopyRecord& row) { on_row(row); },
    };
    if (account_.quarantine != nullptr) {
        needs.keep = [this](const FetchedMessage& message, std::string words) {
            return keep_refused(message, std::move(words));
        };
    }
    AppendWriter writer{destination(), std::move(needs)};
    net::TaskGroup group{executor, "fetch", 2};
    StopWatch stop{queue, net::asio::steady_timer{executor}};
    Result<void> fetched;
    const auto take = archived_ == nullptr ? &MailboxPass::fetch : &MailboxPass::fetch_archived;
    SIDING_CO_TRY(group.spawn(take(*this, std::move(uids), queue, fetched)));
    SIDING_CO_TRY(group.spawn(watch_stop(*this, stop)));
    auto written = co_await writer.run(queue);
    queue.stop();
    stop.is_over = true;
    stop.timer.cancel();
    if (has_stopped_) {
        group.cancel();  // the source may take its time
    }
    co_await group.join();
    SIDING_CO_TRY(std::move(written));
    if (!has_stopped_) {
        SIDING_CO_TRY(std::move(fetched));
    }
    std::vector<AppendWriter::Move> moves = writer.moves();
    ImapSet unmoved;
    if (!moves.empty()) {
        SIDING_CO_ASSIGN(unmoved, co_await move(std::move(moves)));
        SIDING_CO_TRY(co_await destination().select(record_.destination));
    }
    SIDING_CO_TRY(co_await bind_new());
    has_unbound_ = false;
    told_ = {};
    if (!unmoved.empty() && !has_stopped_) {
        SIDING_CO_TRY(co_await transfer(std::move(unmoved), false));
    }
    if (has_stopped_) {
        co_return not_at_its_end();
    }
    co_return Result<void>{};
}

// What the other end of the queue has to say until the last message has come: whoever stops it,
// the mailbox is not whole.
Error MailboxPass::not_at_its_end() {
    return Error{Errc::unavailable, "stopped; what is copied is in the ledger"};
}

// What has come is settled with the batch that it is in; what waits in the queue is let go.
awaitable<void> MailboxPass::watch_stop(MailboxPass& self, StopWatch& watch) {
    while (!watch.is_over && self.account_.is_stopping) {
        if (self.account_.is_stopping()) {
            self.has_stopped_ = true;
            if (!self.account_.pace.may_finish()) {
                watch.queue.stop();
            }
            co_return;
        }
        watch.timer.expires_after(stop_look);
        static_cast<void>(co_await watch.timer.async_wait(net::use_result));
    }
}

// The other end of the queue.
awaitable<void> MailboxPass::fetch(
    MailboxPass& self, ImapSet uids, MessageQueue& queue, Result<void>& outcome
) {
    MessageReader::Needs needs{self.account_.blocking, self.account_.spool, true};
    needs.pace = &self.account_.pace;
    MessageReader reader{self.source(), std::move(needs), uids};
    outcome = not_at_its_end();
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
        auto looked_at = co_await self.note_direct(**message);
        if (looked_at) {
            looked_at = co_await self.mend(**message);
        }
        if (!looked_at) {
            outcome = std::move(looked_at).error();
            break;
        }
        const std::uint64_t octets = (*message)->octets;
        const bool taken = co_await queue.push(std::move(**message));
        if (!taken) {
            break;
        }
        co_await self.account_.pace.on_message(octets);
        // What was paid for with a budget is still written.
        if (!self.account_.pace.check() && self.account_.pace.may_finish()) {
            self.has_stopped_ = true;
            break;
        }
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
        ImapSet lost = silent.minus(there).both(again_);
        SIDING_CO_TRY(co_await note_lost(std::move(lost)));
    }
    auto noted = co_await note_unreadable(unread);
    co_return noted;
}

// In doubt, not at the destination, and expunged at the source: no pass will settle it.
awaitable<Result<void>> MailboxPass::note_lost(ImapSet lost) {
    std::vector<CopyRecord> rows;
    auto read = [this, &lost, &rows]() -> Result<void> {
        for (const std::uint64_t uid : lost.numbers(SIZE_MAX)) {
            SIDING_ASSIGN(auto row, account_.ledger.find(account_.id, record_, uid));
            if (row && row->state == CopyState::intent) {
                row->state = CopyState::skipped;
                row->destination_uid = 0;
                row->is_gone_at_source = true;
                row->words = "expunged at the source before it was copied";
                rows.push_back(std::move(*row));
            }
        }
        return {};
    };
    SIDING_CO_TRY(co_await net::run_on(account_.blocking, read));
    auto written = co_await write(std::move(rows));
    co_return written;
}

awaitable<Result<void>> MailboxPass::note_unreadable(
    const std::map<std::uint64_t, std::string>& unread
) {
    if (retry_ != nullptr) {
        unread_ = unread;  // the archive may have it
        co_return Result<void>{};
    }
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
        one.refused = retry_ == nullptr ? 1 : 0;  // that one may have another try
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

}  // namespace siding::backfill

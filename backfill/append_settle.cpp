// AppendWriter: what a server's answer to an APPEND means for the messages in it.
#include "backfill/account_pace.hpp"
#include "backfill/append_writer.hpp"
#include "base/bytes.hpp"
#include "base/log.hpp"

#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <chrono>
#include <fmt/format.h>
#include <iterator>
#include <utility>

namespace siding::backfill {
namespace {

using net::awaitable;

const Logger log{"backfill"};

constexpr unsigned tries_max = 6;
constexpr std::chrono::milliseconds first_back_off = std::chrono::seconds{1};
constexpr std::chrono::milliseconds back_off_max = std::chrono::minutes{5};
// So many in a row that find no room, and the mailbox is taken for full.
constexpr std::size_t over_quota_max = 5;

// What says that the next message would fare no better.
bool ends_the_pass(Trouble trouble) {
    switch (trouble) {
    case Trouble::authentication:
    case Trouble::authorization:
    case Trouble::expired_token:
    case Trouble::read_only:
    case Trouble::no_such_mailbox:
    case Trouble::bye:
        return true;
    case Trouble::throttled:
    case Trouble::too_many_connections:
    case Trouble::over_quota:
    case Trouble::too_big:
    case Trouble::bad_message:
    case Trouble::bad_flag:
    case Trouble::already_exists:
    case Trouble::bad_name:
    case Trouble::in_use:
    case Trouble::server_bug:
    case Trouble::unavailable:
    case Trouble::other:
        return false;
    }
    return false;
}

awaitable<void> wait(std::chrono::milliseconds time) {
    auto executor = co_await net::asio::this_coro::executor;
    net::asio::steady_timer timer{executor, time};
    static_cast<void>(co_await timer.async_wait(net::use_result));
}

}  // namespace

awaitable<Result<void>> AppendWriter::settle(Batch batch) {
    if (!batch.is_one_command) {
        auto settled = co_await settle_each(batch);
        co_return settled;
    }
    SIDING_CO_ASSIGN(ImapResponse answer, co_await session_.connection().answer(batch.tag));
    if (answer.is_ok()) {
        for (std::size_t at = 0; at < batch.items.size(); ++at) {
            take_ok(batch.items[at], answer, at, batch.items.size());
            settled_.push_back(std::move(batch.items[at].row));
        }
        co_return Result<void>{};
    }
    SIDING_CO_TRY(refuse_after_bad(answer));
    static_cast<void>(session_.check(std::move(answer), ImapStage::append));
    if (batch.items.size() > 1) {
        log.info(
            "batch_refused",
            {{"mailbox", needs_.mailbox.destination},
             {"messages", batch.items.size()},
             {"reason", session_.last_no()->words}}
        );
    }
    // One of them is to blame, or none: each for itself.
    for (Item& item : batch.items) {
        if (batch.items.size() == 1) {
            SIDING_CO_ASSIGN(const bool again, co_await take_no(item));
            if (!again) {
                continue;
            }
        }
        SIDING_CO_TRY(co_await append_alone(item));
    }
    co_return Result<void>{};
}

awaitable<Result<void>> AppendWriter::settle_each(Batch& batch) {
    std::vector<Item*> refused;
    for (Item& item : batch.items) {
        SIDING_CO_ASSIGN(ImapResponse answer, co_await session_.connection().answer(item.tag));
        if (answer.is_ok()) {
            take_ok(item, answer);
            settled_.push_back(item.row);
        } else {
            SIDING_CO_TRY(refuse_after_bad(answer));
            static_cast<void>(session_.check(std::move(answer), ImapStage::append));
            refused.push_back(&item);
        }
    }
    for (Item* item : refused) {
        SIDING_CO_TRY(co_await append_alone(*item));
    }
    co_return Result<void>{};
}

awaitable<Result<void>> AppendWriter::append_alone(Item& item) {
    for (;;) {
        ImapConnection& connection = session_.connection();
        item.tag = connection.open(head());
        SIDING_CO_ASSIGN(const bool went, co_await send_message(item.tag, item));
        if (went) {
            connection.close_command();
        }
        SIDING_CO_ASSIGN(ImapResponse answer, co_await connection.answer(item.tag));
        if (answer.is_ok()) {
            take_ok(item, answer);
            std::vector<CopyRecord> rows{item.row};
            auto written = co_await write_rows(std::move(rows));
            co_return written;
        }
        SIDING_CO_TRY(refuse_after_bad(answer));
        static_cast<void>(session_.check(std::move(answer), ImapStage::append));
        SIDING_CO_ASSIGN(const bool again, co_await take_no(item));
        if (!again) {
            co_return Result<void>{};
        }
    }
}

// A server that takes the front of an APPEND for wrong may not read the literal behind it, and take
// the message for commands: Dovecot does. What was sent cannot be called back, but nothing more
// goes there, and the next connection sends octets only when it is asked for them.
Result<void> AppendWriter::refuse_after_bad(const ImapResponse& answer) {
    if (answer.condition != ImapCondition::bad || !session_.connection().sends_literals_unasked()) {
        return {};
    }
    needs_.must_ask_first = true;
    static_cast<void>(session_.check(answer, ImapStage::append));  // it may be a wish for less
    return session_.connection().abandon("it took an APPEND for wrong: " + escape(answer.text));
}

// Whether to try it again. Otherwise its row says why not, or the error ends the pass.
awaitable<Result<bool>> AppendWriter::take_no(Item& item) {
    const Judged judged = *session_.last_no();
    if (ends_the_pass(judged.trouble)) {
        co_return Error{
            judged.is_retryable ? Errc::unavailable : Errc::conflict,
            fmt::format(
                "{}: APPEND to {}: {}",
                session_.connection().name(),
                escape(needs_.mailbox.destination),
                judged.words
            )};
    }
    if (judged.trouble == Trouble::over_quota) {
        auto settled = co_await take_over_quota(item, judged);
        co_return settled;
    }
    // RFC 9755 §4: UTF-8 in a header, and a server that takes it in this form alone.
    const bool may_be_utf8 = session_.is_utf8() && item.message.facts.has_8bit_header;
    if (may_be_utf8 && !judged.is_retryable && !std::exchange(item.is_utf8, true)) {
        co_return true;
    }
    ++item.tries;
    if (judged.trouble == Trouble::bad_flag && item.tries < tries_max) {
        std::erase_if(item.flags, [](const std::string& flag) { return !flag.starts_with('\\'); });
        co_return true;
    }
    if (judged.is_retryable && item.tries < tries_max) {
        const auto pause = judged.back_off.value_or(first_back_off * (1U << item.tries));
        // For longer, others get the place; what is under way is settled when the order goes on.
        if (judged.trouble == Trouble::throttled && pause > AccountPace::short_wait) {
            co_return Error{
                Errc::unavailable, session_.connection().name() + ": APPEND: " + judged.words};
        }
        co_await wait(std::min<std::chrono::milliseconds>(pause, back_off_max));
        co_return true;
    }
    if (judged.is_retryable) {
        co_return Error{
            Errc::unavailable,
            fmt::format(
                "{}: APPEND to {} fails again and again: {}",
                session_.connection().name(),
                escape(needs_.mailbox.destination),
                judged.words
            )};
    }
    co_await refuse(item, judged);
    std::vector<CopyRecord> rows{item.row};
    SIDING_CO_TRY(co_await write_rows(std::move(rows)));
    co_return false;
}

// Its row says why, and what may help; its octets go into safety. Nothing is written here.
awaitable<void> AppendWriter::refuse(Item& item, const Judged& judged) {
    const FetchedMessage& message = item.message;
    end_way(item);
    item.row.state = CopyState::refused;
    item.row.destination_uid = 0;
    item.row.repaired = {};
    item.row.words = judged.words;
    item.row.subject = message.facts.subject;
    item.row.may_help = format_repairs(may_help(judged.trouble, message.facts, message.repairs));
    if (!needs_.keep || message.repairs.any()) {
        co_return;
    }
    const auto kept = co_await needs_.keep(message, judged.words);
    item.row.is_archived = kept.has_value();
    if (!kept) {
        item.row.words += " (and it is not in the archive: " + kept.error().message() + ")";
    }
}

void AppendWriter::end_way(const Item& item) {
    uids_on_way_.erase(item.row.uid);
    needs_.suspects.clear(needs_.mailbox.id, item.row.uid);
}

// True: connections have ended with it often enough. It gets no further one.
awaitable<Result<bool>> AppendWriter::set_aside(Item& item) {
    const std::string* words = needs_.suspects.condemned(needs_.mailbox.id, item.row.uid);
    if (words == nullptr) {
        co_return false;
    }
    Judged judged;
    judged.trouble = Trouble::bad_message;
    judged.words = "the connection ends with it: " + escape(*words);
    co_await refuse(item, judged);
    std::vector<CopyRecord> rows{item.row};
    SIDING_CO_TRY(co_await write_rows(std::move(rows)));
    co_return true;
}

// A smaller one may still find room.
awaitable<Result<bool>> AppendWriter::take_over_quota(Item& item, const Judged& judged) {
    co_await refuse(item, judged);
    over_quota_.push_back(item.row);
    if (over_quota_.size() < over_quota_max) {
        co_return false;
    }
    co_return Error{
        Errc::conflict,
        fmt::format(
            "{}: APPEND to {}: {} messages in a row found no room: {}",
            session_.connection().name(),
            escape(needs_.mailbox.destination),
            over_quota_max,
            judged.words
        )};
}

void AppendWriter::settle_over_quota() {
    std::ranges::move(over_quota_, std::back_inserter(settled_));
    over_quota_.clear();
}

// RFC 4315 §3: the UIDs of what was appended, in its order. A server that names another mailbox's
// UIDVALIDITY, or not as many UIDs as messages, is not believed.
void AppendWriter::take_ok(
    Item& item, const ImapResponse& answer, std::size_t index, std::size_t count
) {
    settle_over_quota();
    end_way(item);
    item.row.state = CopyState::copied;
    item.row.destination_uid = 0;
    const auto appended = append_uid(answer);
    const bool is_ours = appended && appended->uid_validity == session_.mailbox()->uid_validity &&
                         appended->uids.size() == count && appended->uids[index] >= lowest_new_uid_;
    if (is_ours) {
        item.row.destination_uid = appended->uids[index];
    }
}

}  // namespace siding::backfill

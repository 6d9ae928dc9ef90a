// AppendWriter: what a server's answer to an APPEND means for the messages in it.
#include "backfill/append_writer.hpp"
#include "base/bytes.hpp"
#include "base/log.hpp"

#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <chrono>
#include <fmt/format.h>
#include <utility>

namespace siding::backfill {
namespace {

using net::awaitable;

const Logger log{"backfill"};

constexpr unsigned tries_max = 6;
constexpr std::chrono::milliseconds first_back_off = std::chrono::seconds{1};
constexpr std::chrono::milliseconds back_off_max = std::chrono::minutes{5};

// What says that the next message would fare no better.
bool ends_the_pass(Trouble trouble) {
    switch (trouble) {
    case Trouble::authentication:
    case Trouble::authorization:
    case Trouble::expired_token:
    case Trouble::over_quota:
    case Trouble::read_only:
    case Trouble::no_such_mailbox:
    case Trouble::bye:
        return true;
    case Trouble::throttled:
    case Trouble::too_many_connections:
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
    ++item.tries;
    if (judged.trouble == Trouble::bad_flag && item.tries < tries_max) {
        std::erase_if(item.flags, [](const std::string& flag) { return !flag.starts_with('\\'); });
        co_return true;
    }
    if (judged.is_retryable && item.tries < tries_max) {
        auto pause = judged.back_off.value_or(first_back_off * (1U << item.tries));
        co_await wait(std::min(pause, back_off_max));
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
    item.row.state = CopyState::refused;
    item.row.destination_uid = 0;
    item.row.words = judged.words;
    item.row.subject = item.message.facts.subject;
    std::vector<CopyRecord> rows{item.row};
    SIDING_CO_TRY(co_await write_rows(std::move(rows)));
    co_return false;
}

// RFC 4315 §3: the UIDs of what was appended, in its order. A server that names another mailbox's
// UIDVALIDITY, or not as many UIDs as messages, is not believed.
void AppendWriter::take_ok(
    Item& item, const ImapResponse& answer, std::size_t index, std::size_t count
) {
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

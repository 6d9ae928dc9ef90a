#include "backfill/append_writer.hpp"

#include "backfill/internal_date.hpp"
#include "backfill/limits.hpp"
#include "base/bytes.hpp"
#include "base/log.hpp"
#include "net/run_on.hpp"

#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <chrono>
#include <fmt/format.h>
#include <utility>

namespace siding::backfill {
namespace {

using net::awaitable;

const Logger log{"backfill"};

constexpr std::size_t unwritten_octets_max = 256 * 1024;
constexpr std::size_t file_piece_octets = 256 * 1024;
// Nothing that a server could stumble over may stand in front of a literal that it is not asked for
// (refuse_after_bad): no date that is none, and a line of a length that all take.
constexpr std::size_t flags_octets_max = 4000;
constexpr std::size_t batches_under_way_max = 4;
constexpr unsigned tries_max = 6;
constexpr std::size_t twins_max = 16;
constexpr std::chrono::milliseconds first_back_off = std::chrono::seconds{1};
constexpr std::chrono::milliseconds back_off_max = std::chrono::minutes{5};

std::string flag_list_of(const std::vector<std::string>& flags) {
    std::string text = "(";
    for (const std::string& flag : flags) {
        if (text.size() + flag.size() > flags_octets_max) {
            break;
        }
        text += text.size() > 1 ? " " : "";
        text += flag;
    }
    return text + ")";
}

// Nothing for a date that is none: then the server takes the present time.
std::string date_of(const std::string& internal_date) {
    const auto date = parse_internal_date(internal_date);
    return date ? "\"" + format_internal_date(*date) + "\" " : "";
}

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

AppendWriter::AppendWriter(ImapSession& session, Needs needs)
    : session_{session}, needs_{std::move(needs)} {
    const OpenMailbox& mailbox = *session.mailbox();
    if (mailbox.permanent_flags) {
        permanent_flags_ = PermanentFlags{*mailbox.permanent_flags};
    }
    lowest_new_uid_ = std::max<std::uint64_t>(mailbox.uid_next, 1);
}

AppendWriter::~AppendWriter() = default;

awaitable<Result<void>> AppendWriter::run(MessageQueue& queue) {
    std::deque<Batch> under_way;
    std::uint64_t octets = 0;
    for (;;) {
        SIDING_CO_ASSIGN(std::vector<Item> items, co_await gather(queue));
        if (items.empty()) {
            break;
        }
        SIDING_CO_TRY(co_await promise(items));
        Batch batch;
        for (const Item& item : items) {
            batch.octets += item.message.octets_in_memory();
        }
        batch.items = std::move(items);
        SIDING_CO_TRY(co_await send(batch));
        octets += batch.octets;
        under_way.push_back(std::move(batch));
        // Several, so that a long way to the server costs nothing; as many as memory allows.
        while (under_way.size() > 1 &&
               (under_way.size() > batches_under_way_max || octets > 2 * needs_.batch_octets_max)) {
            octets -= under_way.front().octets;
            Batch first = std::move(under_way.front());
            under_way.pop_front();
            SIDING_CO_TRY(co_await settle(std::move(first)));
        }
    }
    for (Batch& batch : under_way) {
        SIDING_CO_TRY(co_await settle(std::move(batch)));
    }
    auto written = co_await write_settled();
    co_return written;
}

// A batch is full, or the last one: that the next message takes its time costs nothing, because the
// source is what is waited for.
awaitable<Result<std::vector<AppendWriter::Item>>> AppendWriter::gather(MessageQueue& queue) {
    std::vector<Item> items;
    std::uint64_t octets = 0;
    while (items.size() < limits::append_batch_messages_max && octets < needs_.batch_octets_max) {
        std::optional<FetchedMessage> message = co_await queue.pop();
        if (!message) {
            break;
        }
        SIDING_CO_ASSIGN(const bool is_there, co_await find_at_destination(*message));
        if (!is_there) {
            octets += message->octets;
            items.push_back(make_item(std::move(*message)));
        }
    }
    co_return items;
}

// Octets that are at the destination already are not sent again: those that were there before us,
// and those whose message a user has moved here from another mailbox of the source.
awaitable<Result<bool>> AppendWriter::find_at_destination(const FetchedMessage& message) {
    if (const auto uid = needs_.adoptable.take(message.digests)) {
        CopyRecord row = make_row(message);
        row.state = CopyState::copied;
        row.destination_uid = *uid;
        std::vector<CopyRecord> rows{std::move(row)};
        SIDING_CO_TRY(co_await write_rows(std::move(rows)));
        co_return true;
    }
    if (needs_.is_rest) {
        auto find = [this, &message] {
            return needs_.ledger.twins(needs_.account, message.digests.raw, 1);
        };
        SIDING_CO_ASSIGN(const auto twins, co_await net::run_on(needs_.blocking, find));
        if (!twins.empty()) {
            CopyRecord row = make_row(message);
            row.state = CopyState::skipped;
            row.destination_uid = 0;
            row.words = "is in another folder";
            std::vector<CopyRecord> rows{std::move(row)};
            SIDING_CO_TRY(co_await write_rows(std::move(rows)));
            co_return true;
        }
    }
    if (!needs_.has_gone_messages) {
        co_return false;
    }
    auto look = [this, &message]() -> Result<std::optional<Move>> {
        SIDING_ASSIGN(
            const auto twins, needs_.ledger.twins(needs_.account, message.digests.raw, twins_max)
        );
        for (const Twin& twin : twins) {
            SIDING_ASSIGN(auto mailboxes, needs_.ledger.mailboxes(needs_.account));
            for (const MailboxRecord& mailbox : mailboxes) {
                if (mailbox.id != twin.mailbox || mailbox.id == needs_.mailbox.id) {
                    continue;
                }
                SIDING_ASSIGN(auto row, needs_.ledger.find(needs_.account, mailbox, twin.uid));
                if (row && row->is_gone_at_source && row->state == CopyState::copied &&
                    row->destination_uid != 0 && !is_taken(twin)) {
                    return std::optional<Move>{Move{mailbox, std::move(*row), {}}};
                }
            }
        }
        return std::optional<Move>{};
    };
    SIDING_CO_ASSIGN(std::optional<Move> move, co_await net::run_on(needs_.blocking, look));
    if (!move) {
        co_return false;
    }
    move->to = make_row(message);
    moves_.push_back(std::move(*move));
    co_return true;
}

bool AppendWriter::is_taken(const Twin& twin) const {
    return std::ranges::any_of(moves_, [&](const Move& move) {
        return move.mailbox.id == twin.mailbox && move.from.uid == twin.uid;
    });
}

CopyRecord AppendWriter::make_row(const FetchedMessage& message) const {
    CopyRecord row;
    row.uid = message.uid;
    row.state = CopyState::intent;
    row.digests = message.digests;
    row.octets = message.octets;
    row.internal_date = message.internal_date;
    row.flags = normal_flags(message.flags);
    row.destination_uid = lowest_new_uid_;
    row.pass = needs_.pass;
    return row;
}

AppendWriter::Item AppendWriter::make_item(FetchedMessage message) const {
    Item item;
    item.flags = fit_flags(message.flags, permanent_flags_).flags;
    item.row = make_row(message);
    item.message = std::move(message);
    return item;
}

// One sync for these intents and for what has been settled meanwhile.
awaitable<Result<void>> AppendWriter::promise(const std::vector<Item>& items) {
    std::vector<CopyRecord> rows = std::exchange(settled_, {});
    for (const Item& item : items) {
        rows.push_back(item.row);
    }
    auto written = co_await write_rows(std::move(rows));
    co_return written;
}

awaitable<Result<void>> AppendWriter::write_settled() {
    std::vector<CopyRecord> rows = std::exchange(settled_, {});
    auto written = co_await write_rows(std::move(rows));
    co_return written;
}

std::string AppendWriter::head() const {
    ImapCommand command{"APPEND"};
    command.mailbox(session_.mailbox()->name);
    return command.pieces().front().octets;
}

awaitable<Result<void>> AppendWriter::send(Batch& batch) {
    ImapConnection& connection = session_.connection();
    batch.is_one_command = session_.capabilities().multi_append();
    if (!batch.is_one_command) {
        for (Item& item : batch.items) {
            item.tag = connection.open(head());
            SIDING_CO_ASSIGN(const bool went, co_await send_message(item.tag, item));
            if (went) {
                connection.close_command();
            }
        }
        co_return Result<void>{};
    }
    batch.tag = connection.open(head());
    for (const Item& item : batch.items) {
        SIDING_CO_ASSIGN(const bool went, co_await send_message(batch.tag, item));
        if (!went) {
            co_return Result<void>{};
        }
    }
    connection.close_command();
    co_return Result<void>{};
}

// False: the server has answered already.
awaitable<Result<bool>> AppendWriter::send_message(const ImapTag& tag, const Item& item) {
    ImapConnection& connection = session_.connection();
    connection.put(" " + flag_list_of(item.flags) + " " + date_of(item.message.internal_date));
    SIDING_CO_ASSIGN(const bool wanted, co_await connection.literal(tag, item.message.octets));
    if (!wanted) {
        co_return false;
    }
    if (item.message.file) {
        SIDING_CO_TRY(co_await send_file(*item.message.file));
    } else {
        connection.put(item.message.body);
    }
    SIDING_CO_TRY(co_await connection.drain(unwritten_octets_max));
    co_return true;
}

awaitable<Result<void>> AppendWriter::send_file(const SpoolFile& file) {
    ImapConnection& connection = session_.connection();
    for (std::uint64_t at = 0; at < file.octets();) {
        auto read = [&file, at] { return file.read(at, file_piece_octets); };
        SIDING_CO_ASSIGN(const std::string piece, co_await net::run_on(needs_.blocking, read));
        if (piece.empty()) {
            co_return Error{Errc::storage_failure, "a large message on disk has become shorter"};
        }
        at += piece.size();
        connection.put(piece);
        SIDING_CO_TRY(co_await connection.drain(unwritten_octets_max));
    }
    co_return Result<void>{};
}

awaitable<Result<void>> AppendWriter::settle(Batch batch) {
    if (!batch.is_one_command) {
        auto settled = co_await settle_each(batch);
        co_return settled;
    }
    SIDING_CO_ASSIGN(ImapResponse answer, co_await session_.connection().answer(batch.tag));
    if (answer.is_ok()) {
        for (std::size_t at = 0; at < batch.items.size(); ++at) {
            take_ok(batch.items[at], answer, at);
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
            take_ok(item, answer, 0);
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
            take_ok(item, answer, 0);
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
void AppendWriter::take_ok(Item& item, const ImapResponse& answer, std::size_t index) {
    item.row.state = CopyState::copied;
    item.row.destination_uid = 0;
    const auto appended = append_uid(answer);
    const bool is_ours = appended && appended->uid_validity == session_.mailbox()->uid_validity &&
                         index < appended->uids.size() && appended->uids[index] >= lowest_new_uid_;
    if (is_ours) {
        item.row.destination_uid = appended->uids[index];
    }
}

awaitable<Result<void>> AppendWriter::write_rows(std::vector<CopyRecord> rows) {
    if (rows.empty()) {
        co_return Result<void>{};
    }
    auto write = [this, &rows] {
        return needs_.ledger.record(needs_.account, needs_.mailbox, rows);
    };
    SIDING_CO_TRY(co_await net::run_on(needs_.blocking, write));
    for (const CopyRecord& row : rows) {
        needs_.on_row(row);
    }
    co_return Result<void>{};
}

}  // namespace siding::backfill

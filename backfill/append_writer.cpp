#include "backfill/append_writer.hpp"

#include "backfill/internal_date.hpp"
#include "backfill/limits.hpp"
#include "net/run_on.hpp"

#include <algorithm>
#include <utility>

namespace siding::backfill {
namespace {

using net::awaitable;

constexpr std::size_t unwritten_octets_max = 256 * 1024;
constexpr std::size_t file_piece_octets = 256 * 1024;
// Nothing that a server could stumble over may stand in front of a literal that it is not asked for
// (refuse_after_bad): no date that is none, and a line of a length that all take.
constexpr std::size_t flags_octets_max = 4000;
constexpr std::size_t batches_under_way_max = 4;
constexpr std::size_t twins_max = 16;

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
    const bool asked_first = needs_.must_ask_first;
    auto done = co_await run_batches(queue);
    // What has been misread may be about any of them, and does not happen again.
    const bool is_lost = session_.is_over() && needs_.must_ask_first == asked_first;
    if (!done && is_lost && !uids_on_way_.empty()) {
        needs_.suspects.note_lost(needs_.mailbox.id, uids_on_way_, done.error().message());
    }
    co_return done;
}

awaitable<Result<void>> AppendWriter::run_batches(MessageQueue& queue) {
    std::deque<Batch> under_way;
    std::uint64_t octets = 0;
    for (;;) {
        SIDING_CO_ASSIGN(std::vector<Item> items, co_await gather(queue));
        if (items.empty()) {
            break;
        }
        const bool is_alone = is_suspect(items);
        while (is_alone && !under_way.empty()) {
            Batch first = std::move(under_way.front());
            under_way.pop_front();
            octets -= first.octets;
            SIDING_CO_TRY(co_await settle(std::move(first)));
        }
        SIDING_CO_TRY(co_await promise(items));
        Batch batch;
        for (const Item& item : items) {
            batch.octets += item.message.octets_in_memory();
            uids_on_way_.insert(item.row.uid);
        }
        batch.items = std::move(items);
        SIDING_CO_TRY(co_await send(batch));
        octets += batch.octets;
        under_way.push_back(std::move(batch));
        // Several, so that a long way to the server costs nothing; as many as memory allows.
        while (under_way.size() > (is_alone ? 0 : 1) &&
               (is_alone || under_way.size() > batches_under_way_max ||
                octets > 2 * needs_.batch_octets_max)) {
            octets -= under_way.front().octets;
            Batch first = std::move(under_way.front());
            under_way.pop_front();
            SIDING_CO_TRY(co_await settle(std::move(first)));
        }
    }
    for (Batch& batch : under_way) {
        SIDING_CO_TRY(co_await settle(std::move(batch)));
    }
    settle_over_quota();
    auto written = co_await write_settled();
    co_return written;
}

// A batch is full, or the last one: that the next message takes its time costs nothing, because the
// source is what is waited for.
awaitable<Result<std::vector<AppendWriter::Item>>> AppendWriter::gather(MessageQueue& queue) {
    std::vector<Item> items;
    std::uint64_t octets = 0;
    if (held_) {
        items.push_back(std::move(*held_));
        held_.reset();
        co_return items;
    }
    while (items.size() < limits::append_batch_messages_max && octets < needs_.batch_octets_max) {
        std::optional<FetchedMessage> message = co_await queue.pop();
        if (!message) {
            break;
        }
        SIDING_CO_ASSIGN(const bool is_there, co_await find_at_destination(*message));
        if (needs_.on_taken) {
            needs_.on_taken(message->octets, !is_there);
        }
        if (!is_there) {
            const std::uint64_t message_octets = message->octets;
            Item item = make_item(std::move(*message));
            SIDING_CO_ASSIGN(const bool is_aside, co_await set_aside(item));
            if (is_aside) {
                continue;
            }
            if (!items.empty() && needs_.suspects.has(needs_.mailbox.id, item.row.uid)) {
                held_ = std::move(item);
                break;
            }
            octets += message_octets;
            items.push_back(std::move(item));
            if (is_suspect(items)) {
                break;
            }
        }
    }
    co_return items;
}

bool AppendWriter::is_suspect(const std::vector<Item>& items) const {
    return items.size() == 1 && needs_.suspects.has(needs_.mailbox.id, items.front().row.uid);
}

// Octets that are at the destination already are not sent again: those that were there before us,
// and those whose message a user has moved here from another mailbox of the source.
awaitable<Result<bool>> AppendWriter::find_at_destination(const FetchedMessage& message) {
    if (const auto uid = needs_.adoptable.take(message.digests)) {
        CopyRecord row = make_row(message);
        row.state = CopyState::copied;
        row.destination_uid = *uid;
        if (const CopyRecord* before = needs_.adoptable.repaired(*uid)) {
            row.repaired = before->repaired;
            row.words = before->words;
        }
        std::vector<CopyRecord> rows{std::move(row)};
        SIDING_CO_TRY(co_await write_rows(std::move(rows)));
        co_return true;
    }
    if (needs_.adoptable.take_deleted(message.digests)) {
        CopyRecord row = make_row(message);
        row.state = CopyState::deleted;
        row.destination_uid = 0;
        std::vector<CopyRecord> rows{std::move(row)};
        SIDING_CO_TRY(co_await write_rows(std::move(rows)));
        co_return true;
    }
    if (needs_.is_rest) {
        auto find = [this, &message] {
            return needs_.ledger.twins(needs_.account, message.digests.raw, twins_max);
        };
        SIDING_CO_ASSIGN(const auto twins, co_await net::run_on(needs_.blocking, find));
        const bool is_elsewhere = std::ranges::any_of(twins, [this](const Twin& twin) {
            return twin.mailbox != needs_.mailbox.id;
        });
        if (is_elsewhere) {
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
    const std::set<Twin> taken = needs_.moving;  // by all pairs of the account
    auto look = [this, &message, &taken]() -> Result<std::optional<Move>> {
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
                    row->destination_uid != 0 && !taken.contains(twin)) {
                    return std::optional<Move>{Move{mailbox, std::move(*row), {}}};
                }
            }
        }
        return std::optional<Move>{};
    };
    SIDING_CO_ASSIGN(std::optional<Move> move, co_await net::run_on(needs_.blocking, look));
    if (!move || !needs_.moving.insert(Twin{move->mailbox.id, move->from.uid}).second) {
        co_return false;
    }
    move->to = make_row(message);
    move->to.repaired = move->from.repaired;
    move->to.words = move->from.repaired.raw.empty() ? "" : move->from.words;
    moves_.push_back(std::move(*move));
    co_return true;
}

CopyRecord AppendWriter::make_row(const FetchedMessage& message) const {
    CopyRecord row;
    row.uid = message.uid;
    row.state = CopyState::intent;
    row.digests = message.digests;
    row.octets = message.repairs.any() ? message.source_octets : message.octets;
    row.internal_date = message.internal_date;
    row.email_id = message.email_id;
    row.flags = normal_flags(message.flags);
    row.destination_uid = lowest_new_uid_;
    row.pass = needs_.pass;
    row.is_archived = message.is_archived;
    if (message.repairs.any()) {
        row.repaired = message.repaired;
        row.words = "repaired: " + repair_words(message.repairs);
    }
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
    session_.add_mailbox(command, needs_.mailbox.destination);
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
    if (item.is_utf8) {
        connection.put("UTF8 (~");
    }
    SIDING_CO_ASSIGN(const bool wanted, co_await connection.literal(tag, item.message.octets));
    if (!wanted) {
        co_return false;
    }
    if (item.message.file) {
        SIDING_CO_TRY(co_await send_file(*item.message.file));
    } else {
        connection.put(item.message.body);
    }
    if (item.is_utf8) {
        connection.put(")");
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

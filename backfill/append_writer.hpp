// Puts messages into one mailbox of the destination, in batches: what is about to be sent is in the
// ledger first (CopyState::intent), and what became of it afterwards. One batch is written while
// the server works at the one before.
//
// With MULTIAPPEND (RFC 3502) a batch is one command that the server does whole or not at all;
// without it each message is a command of its own, and they are sent without waiting where the
// server takes literals unasked.
#pragma once

#include "backfill/adoptable.hpp"
#include "backfill/append_suspects.hpp"
#include "backfill/flags.hpp"
#include "backfill/imap_session.hpp"
#include "backfill/ledger.hpp"
#include "backfill/message_queue.hpp"

#include <deque>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace siding::backfill {

class AppendWriter {
public:
    struct Needs {
        Ledger& ledger;
        net::asio::any_io_executor blocking;
        AccountId account = 0;
        const MailboxRecord& mailbox;
        Adoptable& adoptable;
        bool is_rest = false;            // only what is in no other mailbox of the account
        bool has_gone_messages = false;  // of the account: they may be in another mailbox now
        bool& must_ask_first;            // set: the next connection must not send literals unasked
        AppendSuspects& suspects;
        std::set<Twin>& moving;  // of the account: what a move was found for
        std::uint32_t pass = 0;
        std::uint64_t batch_octets_max = 0;
        // Told of every message from the queue: it is sent now, or need not be. May be empty.
        std::function<void(std::uint64_t octets, bool is_sent)> on_taken = {};
        // Told of every row whose fate is in the ledger now.
        std::function<void(const CopyRecord&)> on_row;
        // Puts a message that is refused into safety, with the server's words; its success says it
        // is there.
        std::function<net::awaitable<Result<void>>(const FetchedMessage&, std::string)> keep = {};
    };

    // The mailbox must be open on the session.
    AppendWriter(ImapSession& session, Needs needs);
    ~AppendWriter();

    // Until the queue ends. An error leaves the rows of what is under way as intents.
    net::awaitable<Result<void>> run(MessageQueue& queue);

    // Messages that were not appended because they are in another mailbox of the destination.
    struct Move {
        MailboxRecord mailbox;  // where it was
        CopyRecord from;
        CopyRecord to;  // not in the ledger yet
    };
    const std::vector<Move>& moves() const { return moves_; }

private:
    struct Item {
        FetchedMessage message;
        CopyRecord row;
        std::vector<std::string> flags;  // as the destination can hold them
        ImapTag tag;                     // where it has its own
        unsigned tries = 0;
        bool is_utf8 = false;  // goes as "UTF8 (~{…}…)"
    };
    struct Batch {
        std::vector<Item> items;
        ImapTag tag;
        bool is_one_command = false;
        std::uint64_t octets = 0;  // in memory
    };

    net::awaitable<Result<void>> run_batches(MessageQueue& queue);
    net::awaitable<Result<std::vector<Item>>> gather(MessageQueue& queue);
    net::awaitable<Result<bool>> set_aside(Item& item);
    bool is_suspect(const std::vector<Item>& items) const;
    net::awaitable<Result<bool>> find_at_destination(const FetchedMessage& message);
    CopyRecord make_row(const FetchedMessage& message) const;
    Item make_item(FetchedMessage message) const;
    net::awaitable<Result<void>> promise(const std::vector<Item>& items);
    net::awaitable<Result<void>> write_settled();
    net::awaitable<Result<void>> send(Batch& batch);
    net::awaitable<Result<bool>> send_message(const ImapTag& tag, const Item& item);
    net::awaitable<Result<void>> send_file(const SpoolFile& file);
    net::awaitable<Result<void>> settle(Batch batch);
    net::awaitable<Result<void>> settle_each(Batch& batch);
    net::awaitable<Result<void>> append_alone(Item& item);
    Result<void> refuse_after_bad(const ImapResponse& answer);
    net::awaitable<Result<bool>> take_no(Item& item);
    net::awaitable<void> refuse(Item& item, const Judged& judged);
    void end_way(const Item& item);
    net::awaitable<Result<bool>> take_over_quota(Item& item, const Judged& judged);
    void settle_over_quota();
    // `index` of the `count` messages that the answer is for.
    void take_ok(
        Item& item, const ImapResponse& answer, std::size_t index = 0, std::size_t count = 1
    );
    net::awaitable<Result<void>> write_rows(std::vector<CopyRecord> rows);
    std::string head() const;

    ImapSession& session_;
    Needs needs_;
    PermanentFlags permanent_flags_;
    std::uint64_t lowest_new_uid_;
    std::vector<Move> moves_;
    // Copied, and not in the ledger yet: they are written with the next intents. Until then they
    // are in doubt, which costs a look and no message.
    std::vector<CopyRecord> settled_;
    // Refused one after the other for want of room: they are too large, or the mailbox is full. In
    // doubt until a smaller one finds room.
    std::vector<CopyRecord> over_quota_;
    std::optional<Item> held_;             // that goes alone, behind what was gathered before it
    std::set<std::uint64_t> uids_on_way_;  // sent, or about to be, and not answered
};

}  // namespace siding::backfill

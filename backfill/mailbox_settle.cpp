// MailboxPass: which message of the destination is which one of ours, where that is not known:
// behind a crash, without UIDPLUS, in a mailbox that was not empty.
#include "backfill/limits.hpp"
#include "backfill/mailbox_pass.hpp"
#include "backfill/message_reader.hpp"
#include "base/log.hpp"
#include "net/run_on.hpp"

#include <algorithm>
#include <utility>

namespace siding::backfill {
namespace {

using net::awaitable;

const Logger log{"backfill"};

}  // namespace

awaitable<Result<void>> MailboxPass::open_destination() {
    SIDING_CO_TRY(co_await destination().select(record_.destination));
    auto taken = co_await take_destination();
    co_return taken;
}

// What its UIDVALIDITY says; written with the rows. Another one is recorded when every row has its
// new UID: whoever is interrupted before that begins anew.
awaitable<Result<void>> MailboxPass::take_destination() {
    const std::string now = destination().mailbox()->uid_validity;
    lowest_unbound_ = std::max<std::uint64_t>(destination().mailbox()->uid_next, 1);
    if (record_.destination_uid_validity == now && place_ != Place::other) {
        co_return Result<void>{};
    }
    if (record_.destination_uid_validity.empty()) {
        record_.destination_uid_validity = now;
        co_return Result<void>{};
    }
    log.warn("destination_uidvalidity_changed", {{"mailbox", record_.destination}});
    if (!adoptable_.empty()) {  // both have changed: what an older epoch knows is of old numbers
        adoptable_ = {};
        must_learn_ = true;
    }
    SIDING_CO_TRY(co_await rebind_destination());
    SIDING_CO_TRY(co_await give_up_unbound());
    record_.destination_uid_validity = now;
    place_ = Place::same;
    auto put = co_await put_record();
    co_return put;
}

// What the destination does not have under its new numbers goes again, as what is in doubt does,
// unless its user has removed it with the folder.
awaitable<Result<void>> MailboxPass::give_up_unbound() {
    const bool goes_again = place_ != Place::removed;
    std::uint64_t messages = 0;
    auto walk = [this, goes_again, &messages]() -> Result<void> {
        for (std::uint64_t at = 1; at != 0;) {
            SIDING_ASSIGN(
                LedgerPage page,
                account_.ledger.list(account_.id, record_, at, limits::ledger_page_rows)
            );
            at = page.next_uid;
            std::erase_if(page.rows, [](const CopyRecord& row) {
                return row.state != CopyState::copied || row.destination_uid != 0;
            });
            for (CopyRecord& row : page.rows) {
                row.state = goes_again ? CopyState::intent : CopyState::deleted;
                row.destination_uid = goes_again ? lowest_unbound_ : 0;
                row.verdict.clear();
            }
            messages += page.rows.size();
            if (!page.rows.empty()) {
                SIDING_TRY(account_.ledger.record(account_.id, record_, page.rows));
            }
        }
        return {};
    };
    SIDING_CO_TRY(co_await net::run_on(account_.blocking, walk));
    if (messages > 0) {
        log.warn(
            "not_at_destination",
            {{"mailbox", record_.destination},
             {"messages", messages},
             {"then", goes_again ? "sent again" : "deleted there"}}
        );
    }
    co_return Result<void>{};
}

// Behind a connection that was lost before a server without UIDPLUS was asked for the UIDs of what
// it had taken.
awaitable<Result<void>> MailboxPass::bind_left_over() {
    if (destination().capabilities().uid_plus()) {
        co_return Result<void>{};
    }
    Sought rows;
    auto gather = [this, &rows]() -> Result<void> {
        for (std::uint64_t at = 1; at != 0;) {
            SIDING_ASSIGN(
                const LedgerPage page,
                account_.ledger.list(account_.id, record_, at, limits::ledger_page_rows)
            );
            for (const CopyRecord& row : page.rows) {
                const bool is_of_broken_pass = row.pass > record_.pass;
                if (is_of_broken_pass && row.state == CopyState::copied &&
                    row.destination_uid == 0) {
                    rows.add(row);
                }
            }
            at = page.next_uid;
        }
        return {};
    };
    SIDING_CO_TRY(co_await net::run_on(account_.blocking, gather));
    if (rows.uids.empty()) {
        co_return Result<void>{};
    }
    auto bound = co_await bind(std::move(rows), 1);
    co_return bound;
}

// What a crash or a lost connection has left in doubt: it is at the destination, or it goes again.
awaitable<Result<void>> MailboxPass::settle_intents() {
    SIDING_CO_TRY(co_await bind_left_over());
    auto look = [this] { return account_.ledger.intents(account_.id, record_); };
    SIDING_CO_ASSIGN(std::vector<CopyRecord> rows, co_await net::run_on(account_.blocking, look));
    if (rows.empty()) {
        co_return Result<void>{};
    }
    std::uint64_t from = rows.front().destination_uid;
    Sought sought;
    for (const CopyRecord& row : rows) {
        from = std::min(from, row.destination_uid);
        again_.add(row.uid);
        if (row.digests.raw.empty(
            )) {  // the disk has lost it: fetched anew, and looked for by that
            must_learn_ = true;
        } else {
            sought.add(row);
        }
    }
    const std::size_t doubts = rows.size();
    SIDING_CO_TRY(co_await bind(std::move(sought), from));
    log.info(
        "doubts_settled",
        {{"mailbox", record_.source},
         {"were_there", doubts - again_.count()},
         {"go_again", again_.count()}}
    );
    co_return Result<void>{};
}

// Which of these UIDs of the destination belong to no row, of this mailbox or of another one whose
// messages go to the same.
awaitable<Result<ImapSet>> MailboxPass::unbound(ImapSet there) {
    auto walk = [this, &there]() -> Result<ImapSet> {
        std::vector<std::uint64_t> bound;
        if (there.empty()) {
            return there;
        }
        SIDING_ASSIGN(const auto mailboxes, account_.ledger.mailboxes(account_.id));
        for (const MailboxRecord& mailbox : mailboxes) {
            const bool is_ours = mailbox.id == record_.id;
            const bool is_same_place =
                mailbox.destination == record_.destination &&
                mailbox.destination_uid_validity == destination().mailbox()->uid_validity;
            for (std::uint64_t at = is_ours || is_same_place ? 1 : 0; at != 0;) {
                SIDING_ASSIGN(
                    const LedgerPage page,
                    account_.ledger.list(account_.id, mailbox, at, limits::ledger_page_rows)
                );
                for (const CopyRecord& row : page.rows) {
                    if (row.state != CopyState::intent && there.contains(row.destination_uid)) {
                        bound.push_back(row.destination_uid);
                    }
                }
                at = page.next_uid;
            }
        }
        return there.minus(ImapSet::of(bound));
    };
    auto free = co_await net::run_on(account_.blocking, walk);
    co_return free;
}

// Reads what is at the destination from that UID on and belongs to nobody, and gives each of the
// rows the UID of its octets. Those that are found are `copied` and no longer in again_.
awaitable<Result<void>> MailboxPass::bind(Sought rows, std::uint64_t from_uid) {
    SIDING_CO_ASSIGN(const ImapSet there, co_await destination().uids(from_uid));
    SIDING_CO_ASSIGN(const ImapSet free, co_await unbound(there));
    std::vector<Known> found;
    std::vector<std::uint64_t> uids;
    {
        MessageReader::Needs needs{account_.blocking, account_.spool};
        MessageReader reader{destination(), std::move(needs), free};
        for (;;) {
            SIDING_CO_ASSIGN(const auto message, co_await reader.next());
            if (!message) {
                break;
            }
            found.emplace_back(message->digests, "", std::nullopt);
            uids.push_back(message->uid);
        }
    }
    const auto pairs = pair_up(rows.known, found);
    std::vector<std::uint64_t> bound;
    auto put = [this, &rows, &uids, &pairs, &bound]() -> Result<void> {
        std::vector<CopyRecord> page;
        for (std::size_t n = 0; n < pairs.size(); ++n) {
            const auto& [row, at] = pairs[n];
            SIDING_ASSIGN(auto known, account_.ledger.find(account_.id, record_, rows.uids[row]));
            if (known) {
                known->state = CopyState::copied;
                known->destination_uid = uids[at];
                bound.push_back(known->uid);
                page.push_back(std::move(*known));
            }
            if (page.size() >= limits::ledger_page_rows ||
                (n + 1 == pairs.size() && !page.empty())) {
                SIDING_TRY(account_.ledger.record(account_.id, record_, page));
                page.clear();
            }
        }
        return {};
    };
    SIDING_CO_TRY(co_await net::run_on(account_.blocking, put));
    again_ = again_.minus(ImapSet::of(bound));
    co_return Result<void>{};
}

void MailboxPass::Sought::add(const CopyRecord& row) {
    uids.push_back(row.uid);
    known.emplace_back(row.sent(), "", std::nullopt);
}

// Where they are at the destination is not known any more. Blocks.
Result<void> MailboxPass::unbind(std::vector<CopyRecord>& rows, Sought& sought) {
    for (CopyRecord& row : rows) {
        row.destination_uid = 0;
        sought.add(row);
    }
    return rows.empty() ? Result<void>{} : account_.ledger.record(account_.id, record_, rows);
}

// Copies of this pass whose UIDs are not told, or are told and not there, get them by their octets.
awaitable<Result<void>> MailboxPass::bind_new() {
    if (!has_unbound_ && (told_.empty() || account_.is_uid_plus_proven)) {
        co_return Result<void>{};
    }
    const std::uint64_t from = told_.empty() ? 1 : told_.first();
    ImapSet there;
    if (!told_.empty()) {
        SIDING_CO_ASSIGN(there, co_await destination().uids(from));
    }
    if (has_unbound_ || !told_.minus(there).empty()) {
        // Courier shows what was appended only to who opens the mailbox anew.
        SIDING_CO_TRY(co_await destination().select(record_.destination));
        SIDING_CO_ASSIGN(there, co_await destination().uids(from));
    }
    const ImapSet absent = told_.minus(there);
    account_.is_uid_plus_proven = !told_.empty() && absent.empty();
    if (!has_unbound_ && absent.empty()) {
        co_return Result<void>{};
    }
    if (!absent.empty()) {
        log.warn(
            "uids_told_wrong", {{"mailbox", record_.destination}, {"messages", absent.count()}}
        );
    }
    Sought unbound;
    auto gather = [this, &unbound, &absent]() -> Result<void> {
        for (std::uint64_t at = 1; at != 0;) {
            SIDING_ASSIGN(
                LedgerPage page,
                account_.ledger.list(account_.id, record_, at, limits::ledger_page_rows)
            );
            at = page.next_uid;
            std::erase_if(page.rows, [this, &absent](const CopyRecord& row) {
                const bool is_new = row.pass == account_.pass && row.state == CopyState::copied;
                return !is_new ||
                       (row.destination_uid != 0 && !absent.contains(row.destination_uid));
            });
            SIDING_TRY(unbind(page.rows, unbound));
        }
        return {};
    };
    SIDING_CO_TRY(co_await net::run_on(account_.blocking, gather));
    auto bound = co_await bind(std::move(unbound), lowest_unbound_);
    co_return bound;
}

// The destination numbers its messages anew: every row is looked for among all that is there.
awaitable<Result<void>> MailboxPass::rebind_destination() {
    Sought rows;
    auto gather = [this, &rows]() -> Result<void> {
        for (std::uint64_t at = 1; at != 0;) {
            SIDING_ASSIGN(
                LedgerPage page,
                account_.ledger.list(account_.id, record_, at, limits::ledger_page_rows)
            );
            at = page.next_uid;
            std::erase_if(page.rows, [](const CopyRecord& row) {
                return row.state != CopyState::copied;
            });
            SIDING_TRY(unbind(page.rows, rows));
        }
        return {};
    };
    SIDING_CO_TRY(co_await net::run_on(account_.blocking, gather));
    auto bound = co_await bind(std::move(rows), 1);
    co_return bound;
}

// What is in a mailbox of the destination before the first copy may be ours: an earlier migration,
// another tool, a user who was faster.
awaitable<Result<void>> MailboxPass::learn_destination() {
    has_learned_ = true;
    must_learn_ = false;
    if (destination().mailbox()->messages == 0) {
        co_return Result<void>{};
    }
    SIDING_CO_ASSIGN(const ImapSet there, co_await destination().uids(1));
    SIDING_CO_ASSIGN(const ImapSet free, co_await unbound(there));
    MessageReader::Needs needs{account_.blocking, account_.spool};
    MessageReader reader{destination(), std::move(needs), free};
    for (;;) {
        SIDING_CO_ASSIGN(const auto message, co_await reader.next());
        if (!message) {
            break;
        }
        adoptable_.add(message->digests, message->uid);
    }
    log.info(
        "destination_not_empty", {{"mailbox", record_.destination}, {"messages", adoptable_.size()}}
    );
    co_return Result<void>{};
}

// A user has moved messages at the source; their copies follow. Where one is not at the destination
// any more the user has deleted it there. Answers with what has to be sent: its copy is in a
// mailbox that has been numbered anew since. Each is in doubt before it goes, as what is sent is.
awaitable<Result<ImapSet>> MailboxPass::move(std::vector<AppendWriter::Move> moves) {
    ImapSet unmoved;
    for (AppendWriter::Move& each : moves) {
        if (each.mailbox.destination == record_.destination) {  // it is where it belongs
            each.to.state = CopyState::copied;
            each.to.destination_uid = each.from.destination_uid;
            SIDING_CO_TRY(co_await hand_over(each));
            continue;
        }
        SIDING_CO_TRY(co_await destination().select(each.mailbox.destination));
        if (destination().mailbox()->uid_validity != each.mailbox.destination_uid_validity) {
            unmoved.add(each.to.uid);
            continue;
        }
        each.to.destination_uid = lowest_unbound_;
        std::vector<CopyRecord> promised{each.to};
        SIDING_CO_TRY(co_await write(std::move(promised)));
        const bool can_move = destination().capabilities().move();
        ImapCommand command{can_move ? "UID MOVE" : "UID COPY"};
        command.set(ImapSet{each.from.destination_uid, each.from.destination_uid});
        destination().add_mailbox(command, record_.destination);
        SIDING_CO_ASSIGN(const auto copied, co_await destination().run_copy(std::move(command)));
        each.to.state = CopyState::copied;
        each.to.destination_uid = 0;
        if (copied && !copied->destination.empty()) {
            each.to.destination_uid = copied->destination.front();
        } else if (destination().capabilities().uid_plus()) {
            each.to.state = CopyState::deleted;
        } else {
            has_unbound_ = true;
        }
        if (can_move) {
            SIDING_CO_TRY(co_await hand_over(each));
            continue;
        }
        std::vector<CopyRecord> rows{each.to};
        SIDING_CO_TRY(co_await write(std::move(rows)));
        count_move();
    }
    co_return unmoved;
}

// The message is this mailbox's now, and no longer that of the one where it was.
awaitable<Result<void>> MailboxPass::hand_over(AppendWriter::Move& move) {
    std::vector<CopyRecord> rows{move.to};
    SIDING_CO_TRY(co_await write(std::move(rows)));
    move.from.state = CopyState::skipped;
    move.from.destination_uid = 0;
    move.from.words = "moved to " + record_.source;
    auto put = [this, &move] {
        return account_.ledger.record(account_.id, move.mailbox, {&move.from, 1});
    };
    SIDING_CO_TRY(co_await net::run_on(account_.blocking, put));
    count_move();
    co_return Result<void>{};
}

void MailboxPass::count_move() {
    PassCounts one;
    one.moved = 1;
    counts_ += one;
    account_.on_progress(one);
}

}  // namespace siding::backfill

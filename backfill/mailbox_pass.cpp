// MailboxPass: what has changed, and what is new.
#include "backfill/mailbox_pass.hpp"

#include "backfill/internal_date.hpp"
#include "backfill/limits.hpp"
#include "base/bytes.hpp"
#include "base/log.hpp"
#include "net/run_on.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

namespace siding::backfill {
namespace {

using net::awaitable;

const Logger log{"backfill"};

// Of the ledger: the UIDVALIDITY before the present one, until a pass has been whole since.
std::string epoch_key(const MailboxRecord& mailbox) {
    return fmt::format("epoch/{}", mailbox.id);
}

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
    if (place_ != Place::other &&
        has_nothing_new(record_, state_.status, account_.compare_all_flags)) {
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
    SIDING_CO_TRY(co_await ask_changes());
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
        SIDING_TRY(account_.ledger.put_value(account_.id, epoch_key(record_), before));
        SIDING_ASSIGN(
            record_, account_.ledger.begin_epoch(account_.id, record_, seen_.uid_validity)
        );
        return learn_epoch(before, {});
    };
    auto begun = co_await net::run_on(account_.blocking, begin);
    co_return begun;
}

// What an interruption has left of that.
awaitable<Result<void>> MailboxPass::recall_epoch() {
    if (record_.pass > 0 || has_former_epoch_) {
        co_return Result<void>{};
    }
    auto recall = [this]() -> Result<void> {
        SIDING_ASSIGN(const auto before, account_.ledger.value(account_.id, epoch_key(record_)));
        if (before.value_or("").empty() || *before == record_.source_uid_validity) {
            return {};
        }
        std::vector<std::uint64_t> bound;
        for (std::uint64_t at = 1; at != 0;) {
            SIDING_ASSIGN(
                const LedgerPage page,
                account_.ledger.list(account_.id, record_, at, limits::ledger_page_rows)
            );
            for (const CopyRecord& row : page.rows) {
                if (row.destination_uid != 0) {
                    bound.push_back(row.destination_uid);
                }
            }
            at = page.next_uid;
        }
        return learn_epoch(*before, ImapSet::of(bound));
    };
    auto recalled = co_await net::run_on(account_.blocking, recall);
    co_return recalled;
}

// Blocks. `bound`: UIDs of the destination that rows of this epoch have already.
Result<void> MailboxPass::learn_epoch(const std::string& validity, ImapSet bound) {
    has_former_epoch_ = true;
    for (std::uint64_t from = 1; from != 0;) {
        SIDING_ASSIGN(
            const LedgerPage page,
            account_.ledger.epoch_rows(
                account_.id, record_, validity, from, limits::ledger_page_rows
            )
        );
        for (const CopyRecord& row : page.rows) {
            if (row.state == CopyState::deleted) {
                adoptable_.add_deleted(row.digests);
            }
            if (row.state != CopyState::copied || row.destination_uid == 0 ||
                bound.contains(row.destination_uid)) {
                continue;
            }
            if (row.repaired.raw.empty()) {
                adoptable_.add(row.digests, row.destination_uid);
            } else {
                adoptable_.add_repaired(row);
            }
        }
        from = page.next_uid;
    }
    return {};
}

awaitable<Result<void>> MailboxPass::copy(const Pair& pair, const Part& part) {
    if (is_untouched_) {
        co_return Result<void>{};
    }
    pair_ = &pair;
    SIDING_CO_TRY(co_await open_both());
    SIDING_CO_TRY(co_await recall_epoch());
    SIDING_CO_TRY(co_await settle_intents());
    SIDING_CO_ASSIGN(ImapSet uids, co_await uncopied());
    const std::uint64_t last = uids.empty() ? 0 : uids.last();
    if (part.only != nullptr) {
        uids = uids.both(*part.only);
    }
    if (account_.window != nullptr) {
        SIDING_CO_TRY(co_await keep_window(uids));
    }
    if (account_.other_way && !uids.empty()) {
        SIDING_CO_TRY(co_await take_from_other_way(uids));
    }
    uids.add(again_);
    if (!uids.empty()) {
        const bool is_first = record_.pass == 0 && adoptable_.empty() && !has_learned_;
        if (is_first || must_learn_) {
            SIDING_CO_TRY(co_await learn_destination());
        }
        PassCounts first;
        first.to_copy = uids.count();
        counts_ += first;
        account_.on_progress(first);
        SIDING_CO_TRY(co_await bring(uids, part.has_gone_messages));
        again_ = {};
    }
    if (part.only != nullptr || account_.window != nullptr) {
        co_return Result<void>{};  // the mailbox is not whole: its record stays as it was
    }
    // A first pass that was interrupted, or came behind a window, has flags from its beginning on.
    const bool has_first_modseq = record_.pass == 0 && record_.modseq > 0;
    record_.modseq = has_first_modseq ? record_.modseq : seen_.modseq;
    record_.pass = account_.pass;
    record_.uid_next = seen_.uid_next;
    record_.messages = seen_.messages;
    record_.copied_below = std::max({record_.copied_below, seen_.uid_next, last + 1});
    if (has_former_epoch_) {
        auto forget = [this] {
            return account_.ledger.put_value(account_.id, epoch_key(record_), "");
        };
        SIDING_CO_TRY(co_await put_record());
        auto forgotten = co_await net::run_on(account_.blocking, forget);
        co_return forgotten;
    }
    auto put = co_await put_record();
    co_return put;
}

// What the source has and the ledger has not. What came after the mailbox was looked at is the next
// pass's.
awaitable<Result<ImapSet>> MailboxPass::uncopied() {
    const std::uint64_t from = std::max<std::uint64_t>(record_.copied_below, 1);
    SIDING_CO_ASSIGN(ImapSet uids, co_await source().uids(from));
    SIDING_CO_ASSIGN(const ImapSet known, co_await recorded(from));
    if (!known.minus(uids).empty()) {  // of a pass that did not come to its end
        PassCounts more;
        SIDING_CO_ASSIGN(const ImapSet there, co_await source().uids(1));
        ImapSet gone = known.minus(there);
        more.gone = gone.count();
        SIDING_CO_TRY(co_await mark_gone(std::move(gone)));
        counts_ += more;
        account_.on_progress(more);
    }
    if (seen_.uid_next > 0) {
        uids = uids.both(ImapSet{1, seen_.uid_next - 1});
    }
    co_return uids.minus(known);
}

// Leaves what is in the window, by what the source says of each message.
awaitable<Result<void>> MailboxPass::keep_window(ImapSet& uids) {
    ImapSet inside;
    ImapSession::Each each = [this, &inside](const FetchItem& item) {
        std::optional<WallTime> time;
        if (item.internal_date) {
            if (const auto date = parse_internal_date(*item.internal_date)) {
                time = date->time;
            }
        }
        if (item.uid && account_.window->has(time, item.octets)) {
            inside.add(*item.uid);
        }
    };
    SIDING_CO_TRY(co_await source().fetch(uids, "(UID INTERNALDATE RFC822.SIZE)", each));
    uids = uids.both(inside);
    co_return Result<void>{};
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
        if (record_.pass == 0 && record_.modseq == 0) {
            record_.modseq = seen_.modseq;
        }
    } else if (source().mailbox()->uid_validity != seen_.uid_validity) {
        co_return Error{Errc::unavailable, "the source has numbered the mailbox anew meanwhile"};
    }
    SIDING_CO_TRY(co_await destination().finish_open(std::move(select)));
    auto taken = co_await take_destination();
    co_return taken;
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

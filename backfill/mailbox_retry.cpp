// MailboxPass: what was refused or could not be read, once more. The rows, intents and batches are
// those of a copy; what is repaired is known at the destination by the digests of the repaired
// octets, and in the ledger by those of the source, too.
#include "backfill/archived_messages.hpp"
#include "backfill/limits.hpp"
#include "backfill/mailbox_pass.hpp"
#include "backfill/quarantine.hpp"
#include "base/log.hpp"
#include "net/run_on.hpp"

#include <utility>

namespace siding::backfill {
namespace {

using net::awaitable;

const Logger log{"backfill"};

constexpr unsigned rounds_max = 3;  // as it is, gently, wrapped

}  // namespace

awaitable<Result<void>> MailboxPass::retry(const Pair& pair, const Retry& retry) {
    pair_ = &pair;
    retry_ = &retry;
    SIDING_CO_TRY(co_await open_destination());
    SIDING_CO_TRY(co_await settle_intents());
    SIDING_CO_ASSIGN(const ImapSet all, co_await to_retry());
    if (all.empty()) {
        co_return Result<void>{};
    }
    PassCounts first;
    first.to_copy = all.count();
    counts_ += first;
    account_.on_progress(first);
    if (must_learn_) {
        SIDING_CO_TRY(co_await learn_destination());
    }
    ImapSet uids = all;
    for (unsigned round = 0; !uids.empty() && round < rounds_max; ++round) {
        SIDING_CO_TRY(co_await retry_round(std::move(uids)));
        again_ = {};
        if (!retry.repair.automatic) {
            break;
        }
        SIDING_CO_ASSIGN(uids, co_await next_to_repair(all));
    }
    auto ended = co_await end_retry(all);
    co_return ended;
}

// Also what an interrupted one has left in doubt and is not at the destination. Of these, what had
// never been refused goes as it is.
awaitable<Result<ImapSet>> MailboxPass::to_retry() {
    auto walk = [this]() -> Result<ImapSet> {
        ImapSet set;
        for (std::uint64_t at = 1; at != 0;) {
            SIDING_ASSIGN(
                const LedgerPage page,
                account_.ledger.list(account_.id, record_, at, limits::ledger_page_rows)
            );
            at = page.next_uid;
            for (const CopyRecord& row : page.rows) {
                const bool is_in_doubt = row.state == CopyState::intent && again_.contains(row.uid);
                const bool is_out =
                    row.state == CopyState::refused || row.state == CopyState::unreadable;
                const bool is_wanted = retry_->uids.empty() || retry_->uids.contains(row.uid);
                if (row.is_gone_at_source || !is_wanted || !(is_in_doubt || is_out)) {
                    continue;
                }
                set.add(row.uid);
                if (retry_->repair.repairs.any() && (is_out || !row.repaired.raw.empty())) {
                    repairs_[row.uid] = retry_->repair.repairs;
                }
            }
        }
        return set;
    };
    auto set = co_await net::run_on(account_.blocking, walk);
    co_return set;
}

// From the source; what it does not give, from the archive.
awaitable<Result<void>> MailboxPass::retry_round(ImapSet uids) {
    ImapSet rest = uids;
    if (retry_->has_source) {
        SIDING_CO_ASSIGN(const ImapSet there, co_await source().uids(uids.first()));
        ImapSet at_source = uids.both(there);
        rest = {};
        unread_.clear();
        if (!at_source.empty()) {
            SIDING_CO_TRY(co_await transfer(std::move(at_source), false));
        }
        for (const auto& [uid, words] : unread_) {
            rest.add(uid);
            left_[uid] = words;
        }
    }
    if (retry_->archived != nullptr) {
        ImapSet kept = rest.both(retry_->archived->messages.uids());
        rest = rest.minus(kept);
        for (const std::uint64_t uid : kept.numbers(SIZE_MAX)) {
            left_.erase(uid);
        }
        unread_.clear();
        if (!kept.empty()) {
            archived_ = retry_->archived;
            auto sent = co_await transfer(std::move(kept), false);
            archived_ = nullptr;
            SIDING_CO_TRY(std::move(sent));
        }
        left_.insert(unread_.begin(), unread_.end());
    }
    for (const std::uint64_t uid : rest.numbers(SIZE_MAX)) {
        left_.emplace(uid, "the source is not there, and the archive has it not");
    }
    co_return Result<void>{};
}

// What was refused once more, and what may help it.
awaitable<Result<ImapSet>> MailboxPass::next_to_repair(const ImapSet& all) {
    auto look = [this, &all]() -> Result<ImapSet> {
        ImapSet set;
        repairs_.clear();
        for (const std::uint64_t uid : all.numbers(SIZE_MAX)) {
            SIDING_ASSIGN(const auto row, account_.ledger.find(account_.id, record_, uid));
            if (!row || row->state != CopyState::refused || row->may_help.empty() ||
                left_.contains(uid)) {
                continue;
            }
            SIDING_ASSIGN(const Repairs repairs, parse_repairs(row->may_help));
            repairs_[uid] = repairs;
            set.add(uid);
        }
        return set;
    };
    auto set = co_await net::run_on(account_.blocking, look);
    co_return set;
}

awaitable<Result<void>> MailboxPass::end_retry(const ImapSet& all) {
    PassCounts more;
    more.unreadable = left_.size();
    std::vector<CopyRecord> rows;
    auto look = [this, &all, &more, &rows]() -> Result<void> {
        for (const std::uint64_t uid : all.numbers(SIZE_MAX)) {
            SIDING_ASSIGN(auto row, account_.ledger.find(account_.id, record_, uid));
            if (!row) {
                continue;
            }
            const auto left = left_.find(uid);
            const bool is_refused = row->state == CopyState::refused;
            more.refused += is_refused && left == left_.end() ? 1 : 0;
            // What was refused stays so. What the source has not been asked for stays in doubt.
            const bool is_out =
                row->state == CopyState::intent || row->state == CopyState::unreadable;
            if (left != left_.end() && is_out && retry_->has_source) {
                row->state = CopyState::unreadable;
                row->destination_uid = 0;
                row->repaired = {};
                row->words = left->second;
                row->pass = account_.pass;
                rows.push_back(std::move(*row));
            }
        }
        return {};
    };
    SIDING_CO_TRY(co_await net::run_on(account_.blocking, look));
    SIDING_CO_TRY(co_await write(std::move(rows)));
    counts_ += more;
    account_.on_progress(more);
    log.info(
        "retried",
        {{"mailbox", record_.source},
         {"messages", all.count()},
         {"copied", counts_.copied},
         {"refused", more.refused},
         {"unread", more.unreadable}}
    );
    co_return Result<void>{};
}

// The source's octets go into safety before they are changed.
awaitable<Result<void>> MailboxPass::mend(FetchedMessage& message) {
    const auto repairs = repairs_.find(message.uid);
    message.is_archived = archived_ != nullptr && retry_ != nullptr;
    if (repairs == repairs_.end()) {
        co_return Result<void>{};
    }
    if (!message.is_archived && account_.quarantine != nullptr) {
        std::string no_new_words;
        const auto kept = co_await keep_refused(message, std::move(no_new_words));
        message.is_archived = kept.has_value();
    }
    auto change = [this, &message, &repairs] {
        return repair_message(message, repairs->second, account_.spool);
    };
    auto changed = co_await net::run_on(account_.blocking, change);
    co_return changed;
}

awaitable<Result<void>> MailboxPass::keep_refused(
    const FetchedMessage& message, std::string words
) {
    Quarantine::Mailbox mailbox;
    mailbox.folder = state_.folder;
    mailbox.folder.name = row_.source;
    mailbox.prefix = account_.source_prefix;
    mailbox.uid_validity = record_.source_uid_validity;
    auto kept = co_await account_.quarantine->keep(mailbox, message, std::move(words));
    co_return kept;
}

}  // namespace siding::backfill

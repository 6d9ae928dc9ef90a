// AccountRun: messages that were refused or could not be read, once more. Where the source is gone
// they come out of the archive.
#include "backfill/account_run.hpp"
#include "backfill/quarantine.hpp"
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

}  // namespace

awaitable<Result<void>> AccountRun::retry(const RetryRequest& request) {
    std::vector<MailboxRecord> mailboxes;
    auto begin = [this, &request, &mailboxes]() -> Result<void> {
        SIDING_ASSIGN(record_, needs_.ledger.account(account_.name));
        SIDING_ASSIGN(mailboxes, mailboxes_to_retry(request));
        if (mailboxes.empty()) {
            return {};
        }
        ++record_.pass;
        record_.phase = "copying";
        record_.changed_at = needs_.clock.now();
        return needs_.ledger.put(record_);
    };
    SIDING_CO_TRY(co_await net::run_on(needs_.blocking, begin));
    if (mailboxes.empty()) {
        needs_.update([](AccountStatus& status) { status.counts = {}; });
        auto counted = co_await count_known();
        co_return counted;
    }
    needs_.update([this](AccountStatus& status) {
        status.phase = AccountPhase::copying;
        status.pass = record_.pass;
        status.counts = {};
        status.started_at = needs_.clock.now();
        status.is_clean = false;
    });
    Result<void> done;
    for (;;) {
        done = co_await retry_once(request);
        if (done) {
            break;
        }
        const Error error = done.error();
        const bool again = co_await may_try_again(error);
        if (!again) {
            break;
        }
        log.warn("connection_lost", {{"account", account_.name}, {"reason", error.message()}});
    }
    co_await close();
    auto end = [this, &done]() -> Result<void> {
        record_.phase = done ? "idle" : "failed";
        record_.words = done ? "" : done.error().message();
        record_.changed_at = needs_.clock.now();
        return needs_.ledger.put(record_);
    };
    SIDING_CO_TRY(co_await net::run_on(needs_.blocking, end));
    co_return done;
}

// Those of the ledger that have something to be tried again.
Result<std::vector<MailboxRecord>> AccountRun::mailboxes_to_retry(const RetryRequest& request
) const {
    SIDING_ASSIGN(std::vector<MailboxRecord> mailboxes, needs_.ledger.mailboxes(record_.id));
    if (!request.mailbox.empty()) {
        std::erase_if(mailboxes, [&request](const MailboxRecord& mailbox) {
            return mailbox.source != request.mailbox;
        });
        if (mailboxes.empty()) {
            return Error{
                Errc::not_found,
                fmt::format(
                    "no pass of {} has seen a mailbox {} at the source",
                    escape(account_.name),
                    escape(request.mailbox)
                )};
        }
    }
    std::vector<MailboxRecord> chosen;
    for (MailboxRecord& mailbox : mailboxes) {
        SIDING_ASSIGN(MailboxTotals totals, needs_.ledger.totals(record_.id, mailbox));
        const std::uint64_t messages = totals.messages[CopyState::refused] +
                                       totals.messages[CopyState::unreadable] +
                                       totals.messages[CopyState::intent];
        if (messages > 0) {
            chosen.push_back(std::move(mailbox));
        }
    }
    return chosen;
}

awaitable<Result<void>> AccountRun::retry_once(const RetryRequest& request) {
    auto choose = [this, &request] { return mailboxes_to_retry(request); };
    SIDING_CO_ASSIGN(const auto mailboxes, co_await net::run_on(needs_.blocking, choose));
    needs_.update([&mailboxes](AccountStatus& status) {
        status.mailboxes = mailboxes.size();
        status.mailboxes_done = 0;
        status.counts = {};
    });
    if (!mailboxes.empty()) {
        SIDING_CO_TRY(co_await open_destination());
        auto source = co_await open_source();
        if (source) {
            source = co_await list_source();
        }
        if (!source) {
            source_.reset();
            log.warn(
                "retried_from_archive", {{"account", account_.name}, {"reason", source.error()}}
            );
        }
        std::uint64_t left = 0;
        for (const MailboxRecord& mailbox : mailboxes) {
            if (needs_.is_stopping()) {
                co_return Error{Errc::unavailable, "stopped; what is copied is in the ledger"};
            }
            const std::string name = mailbox.source;
            needs_.update([&name](AccountStatus& status) { status.mailbox = name; });
            auto retried = co_await retry_mailbox(mailbox, request);
            if (!retried) {
                co_return with_context(std::move(retried).error(), escape(name));
            }
            left += *retried;
            needs_.update([](AccountStatus& status) { ++status.mailboxes_done; });
        }
        if (!source && left > 0) {
            co_return Error{
                Errc::conflict,
                fmt::format(
                    "{} of the messages are not in the archive, and the source is not there: {}",
                    left,
                    source.error().message()
                )};
        }
    }
    auto counted = co_await count_known();
    co_return counted;
}

// How many could not be read.
awaitable<Result<std::uint64_t>> AccountRun::retry_mailbox(
    MailboxRecord mailbox, const RetryRequest& request
) {
    const FolderState* state = source_ ? state_of(mailbox.source) : nullptr;
    const bool has_source = state != nullptr && state->is_selectable;
    if (has_source) {
        SIDING_CO_TRY(co_await source_->examine(mailbox.source));
        if (source_->mailbox()->uid_validity != mailbox.source_uid_validity) {
            co_return Error{
                Errc::conflict,
                "the source has given it another UIDVALIDITY since the last pass; run a pass "
                "first"};
        }
    }
    auto kept = co_await quarantine_->find(mailbox.source, mailbox.source_uid_validity);
    if (!kept) {
        log.warn("archive_not_read", {{"account", account_.name}, {"reason", kept.error()}});
    }
    std::optional<MailboxPass::Archived> archived;
    if (kept && *kept) {
        archived.emplace((*kept)->lease.store(), (*kept)->messages, mailbox.source_uid_validity);
    }
    const MailboxPass::Account account{
        .ledger = needs_.ledger,
        .blocking = needs_.blocking,
        .spool = needs_.spool,
        .id = record_.id,
        .pass = record_.pass,
        .pace = *needs_.pace,
        .must_ask_first = must_ask_first_,
        .suspects = suspects_,
        .moving = moving_,
        .is_uid_plus_proven = is_uid_plus_proven_,
        .memory = needs_.memory,
        .switched_at = std::nullopt,
        .compare_all_flags = false,
        .on_progress =
            [this](const PassCounts& more) {
                progress_ += more.copied;
                needs_.update([&more](AccountStatus& status) { status.counts += more; });
            },
        .is_stopping = needs_.is_stopping,
        .quarantine = quarantine_.get(),
        .source_prefix = source_side_.prefix,
    };
    FolderPlan::Row row;
    row.source = mailbox.source;
    row.destination = mailbox.destination;
    const MailboxPass::Pair pair{has_source ? *source_ : *destination_, *destination_};
    const MailboxPass::Retry retry{
        .uids = request.uids,
        .repair = request.repair,
        .has_source = has_source,
        .archived = archived ? &*archived : nullptr,
    };
    MailboxPass pass{
        account, std::move(row), state != nullptr ? *state : FolderState{}, std::move(mailbox)};
    SIDING_CO_TRY(co_await pass.retry(pair, retry));
    co_return pass.counts().unreadable;
}

}  // namespace siding::backfill

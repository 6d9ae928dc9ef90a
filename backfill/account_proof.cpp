// AccountRun: what compares and looks, and copies nothing.
#include "backfill/account_run.hpp"
#include "backfill/verifier.hpp"
#include "base/log.hpp"
#include "net/run_on.hpp"

#include <algorithm>
#include <memory>
#include <random>
#include <utility>

namespace siding::backfill {
namespace {

using net::awaitable;

const Logger log{"backfill"};

}  // namespace

// Of what is in the ledger as copied: messages and octets.
awaitable<Result<MailboxTotals>> AccountRun::count_copied() {
    auto count = [this]() -> Result<MailboxTotals> {
        MailboxTotals all;
        SIDING_ASSIGN(record_, needs_.ledger.account(account_.name));
        SIDING_ASSIGN(const auto mailboxes, needs_.ledger.mailboxes(record_.id));
        for (const MailboxRecord& mailbox : mailboxes) {
            SIDING_ASSIGN(MailboxTotals totals, needs_.ledger.totals(record_.id, mailbox));
            all.messages[CopyState::copied] += totals.messages[CopyState::copied];
            all.copied_octets += totals.copied_octets;
        }
        return all;
    };
    auto counted = co_await net::run_on(needs_.blocking, count);
    co_return counted;
}

awaitable<Result<void>> AccountRun::check(OrderOptions options) {
    needs_.update([](AccountStatus& status) {
        status.phase = AccountPhase::checking;
        status.canary.reset();
    });
    SIDING_CO_TRY(co_await open());
    SIDING_CO_TRY(co_await list());
    needs_.update([this](AccountStatus& status) {
        status.mailboxes = plan_->rows.size();
        status.source_messages = 0;
        status.source_octets = 0;
        for (const FolderPlan::Row& row : plan_->rows) {
            const bool is_copied = row.action != FolderPlan::Row::Action::skip;
            status.source_messages += is_copied ? row.messages : 0;
            status.source_octets += is_copied ? row.octets : 0;
        }
    });
    if (options.canary) {
        SIDING_CO_TRY(co_await send_canary());
    }
    co_await close();
    co_return Result<void>{};
}

// Whatever happens, the folder is taken away, with a new connection where the first is lost.
awaitable<Result<void>> AccountRun::send_canary() {
    SIDING_CO_ASSIGN(MailboxTotals copied, co_await count_copied());
    Canary::Needs needs;
    needs.blocking = needs_.blocking;
    needs.spool = needs_.spool;
    needs.prefix = account_.destination.prefix;
    needs.now = needs_.clock.now();
    std::uint64_t messages = 0;
    std::uint64_t octets = 0;
    needs_.update([&](const AccountStatus& status) {
        messages = status.source_messages;
        octets = status.source_octets;
        if (status.assessment) {
            octets = std::max(octets, status.assessment->octets);
            needs.largest = status.assessment->largest.octets;
        }
    });
    const bool is_size_known = octets > 0 || messages == 0;
    needs.octets_to_come = octets - std::min(octets, copied.copied_octets);
    needs.messages_to_come = messages - std::min(messages, copied.messages[CopyState::copied]);
    Canary canary{std::move(needs)};
    const auto done = co_await canary.run(*destination_);
    CanaryOutcome& outcome = canary.outcome();
    if (!done) {
        outcome.block(done.error().message());
    }
    Result<void> reopened{};
    if (destination_->is_over()) {
        reopened = co_await open_destination();
    }
    if (destination_) {
        co_await canary.remove(*destination_);
    } else if (!outcome.folder.empty()) {
        outcome.left_behind.push_back(outcome.folder);
        outcome.block("the folder of the canary may be left there: " + reopened.error().message());
    }
    if (!is_size_known) {
        outcome.note("the source does not tell sizes; `siding backfill assess` finds them out");
    }
    if (!source_->capabilities().condstore()) {
        outcome.note("the source has no CONDSTORE: a pass compares the flags of all messages");
    }
    const auto told = std::make_shared<const CanaryOutcome>(std::move(outcome));
    needs_.update([&told](AccountStatus& status) { status.canary = told; });
    co_return Result<void>{};
}

awaitable<Result<void>> AccountRun::assess(OrderOptions options) {
    needs_.update([](AccountStatus& status) {
        status.phase = AccountPhase::assessing;
        status.assessment.reset();
    });
    SIDING_CO_ASSIGN(MailboxTotals copied, co_await count_copied());
    SIDING_CO_TRY(co_await open());
    SIDING_CO_TRY(co_await list());
    Assessor assessor{*source_, *destination_, options.limit};
    SIDING_CO_TRY(co_await assessor.look(*plan_));
    co_await close();
    assessor.found().made_at = needs_.clock.now();
    assessor.found().copied_messages = copied.messages[CopyState::copied];
    assessor.found().copied_octets = copied.copied_octets;
    const auto found = std::make_shared<const Assessment>(std::move(assessor.found()));
    needs_.update([&found](AccountStatus& status) {
        status.mailboxes = found->folders;
        status.source_messages = found->messages;
        status.source_octets = found->octets;
        status.assessment = found;
    });
    co_return Result<void>{};
}

awaitable<Result<void>> AccountRun::verify(OrderOptions options) {
    const WallTime began_at = needs_.clock.now();
    needs_.update([began_at](AccountStatus& status) {
        status.phase = AccountPhase::verifying;
        status.verdicts.clear();
        status.verification.reset();
        status.counts = {};
        status.started_at = began_at;
    });
    auto take = [this]() -> Result<std::vector<MailboxRecord>> {
        SIDING_ASSIGN(record_, needs_.ledger.account(account_.name));
        return needs_.ledger.mailboxes(record_.id);
    };
    SIDING_CO_ASSIGN(const auto mailboxes, co_await net::run_on(needs_.blocking, take));
    SIDING_CO_TRY(co_await know_destination());
    if (is_new_login_) {
        co_return Error{
            Errc::conflict,
            "the destination is another one than at the last pass; run a pass first"};
    }
    Verifier::Needs verifier_needs{
        .source = source_,
        .destination = destination_,
        .ledger = needs_.ledger,
        .blocking = needs_.blocking,
        .spool = needs_.spool,
        .account = record_.id,
        .pass = record_.pass,
        .sample = options.sample,
        // Small enough for every reader of JSON (RFC 8259 §6).
        .seed = options.seed.value_or(std::random_device{}()),
        .on_verdict =
            [this](const std::string& verdict, std::uint64_t messages) {
                ++progress_;
                needs_.update([&](AccountStatus& status) { status.verdicts[verdict] += messages; });
            },
    };
    Verifier verifier{std::move(verifier_needs)};
    for (;;) {
        const Result<void> done = co_await verify_once(verifier, mailboxes);
        if (done) {
            break;
        }
        const Error error = done.error();
        const bool again = co_await may_try_again(error);
        if (!again && error.is(Errc::conflict)) {
            SIDING_CO_TRY(co_await note_destination(false));  // the next pass looks
        }
        if (!again) {
            co_return error;
        }
        log.warn("connection_lost", {{"account", account_.name}, {"reason", error.message()}});
    }
    co_await close();
    Verification made = verifier.result();
    made.began_at = began_at;
    made.ended_at = needs_.clock.now();
    made.pass = record_.pass;
    const auto kept = std::make_shared<const Verification>(std::move(made));
    auto keep = [this, &kept] { return keep_verification(needs_.ledger, record_.id, *kept); };
    SIDING_CO_TRY(co_await net::run_on(needs_.blocking, keep));
    needs_.update([&kept](AccountStatus& status) {
        status.verification = kept;
        status.mailbox.clear();
    });
    co_return Result<void>{};
}

awaitable<Result<void>> AccountRun::verify_once(
    Verifier& verifier, const std::vector<MailboxRecord>& mailboxes
) {
    SIDING_CO_TRY(co_await open());
    SIDING_CO_TRY(co_await list());
    needs_.update([&](AccountStatus& status) {
        status.mailboxes = mailboxes.size();
        status.mailboxes_done = 0;
    });
    for (const MailboxRecord& mailbox : mailboxes) {
        needs_.update([&](AccountStatus& status) { status.mailbox = mailbox.source; });
        const bool is_at_source = state_of(mailbox.source) != nullptr;
        SIDING_CO_TRY(co_await verifier.verify(mailbox, is_at_source));
        needs_.update([](AccountStatus& status) { ++status.mailboxes_done; });
    }
    for (const FolderPlan::Row& row : plan_->rows) {
        if (row.action != FolderPlan::Row::Action::skip) {
            SIDING_CO_TRY(co_await verifier.count_uncopied(row.source));
        }
    }
    auto listed = co_await verifier.find_extras();
    co_return listed;
}

}  // namespace siding::backfill

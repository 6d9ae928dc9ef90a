// AccountRun: one pass, from the source's list to the last mailbox.
#include "backfill/account_run.hpp"
#include "backfill/email_claims.hpp"
#include "backfill/way_back.hpp"
#include "base/bytes.hpp"
#include "base/log.hpp"
#include "net/network_error.hpp"
#include "net/run_on.hpp"
#include "net/task_group.hpp"

#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <chrono>
#include <fmt/format.h>
#include <map>
#include <utility>

namespace siding::backfill {
namespace {

using net::awaitable;

const Logger log{"backfill"};

// Connections lost in a row without a message between: then a person should look.
constexpr unsigned losses_max = 6;
constexpr std::chrono::milliseconds first_pause = std::chrono::milliseconds{500};

}  // namespace

awaitable<Result<void>> AccountRun::copy(OrderOptions options) {
    options_ = std::move(options);
    auto begin = [this]() -> Result<void> {
        SIDING_ASSIGN(record_, needs_.ledger.account(account_.name));
        SIDING_ASSIGN(other_way_, other_way(needs_.ledger, record_));
        record_.pass += needs_.is_resumed && record_.pass > 0 ? 0 : 1;
        record_.phase = "copying";
        record_.changed_at = needs_.clock.now();
        return needs_.ledger.put(record_);
    };
    SIDING_CO_TRY(co_await net::run_on(needs_.blocking, begin));
    needs_.update([this](AccountStatus& status) {
        status.phase = AccountPhase::copying;
        status.pass = record_.pass;
        status.window = format_window(options_.window);
        status.is_clean = false;
        if (!needs_.is_resumed) {
            status.counts = {};
            status.started_at = needs_.clock.now();
        }
    });
    SIDING_CO_TRY(co_await know_destination());
    Result<void> done = co_await copy_persistently();
    if (done && options_.is_final) {
        done = co_await make_final();
    }
    co_await close();
    needs_.update([](AccountStatus& status) {
        if (status.counts.changes() > 0) {
            status.verdicts.clear();  // of what was there before
        }
    });
    auto end = [this, &done]() -> Result<void> {
        record_.phase = done ? "idle" : needs_.is_stopping() ? "paused" : "failed";
        record_.words = done ? "" : done.error().message();
        record_.changed_at = needs_.clock.now();
        return needs_.ledger.put(record_);
    };
    SIDING_CO_TRY(co_await net::run_on(needs_.blocking, end));
    co_return done;
}

// A pass is begun anew after a lost connection: what is done is in the ledger and costs little.
awaitable<Result<void>> AccountRun::copy_persistently() {
    for (;;) {
        const Result<void> done = co_await copy_once();
        if (done) {
            break;
        }
        const Error error = done.error();
        if (error.is(Errc::corrupt)) {
            const auto mended = co_await put_aside_corrupt();
            if (mended) {
                continue;
            }
            co_return error;
        }
        const bool again = co_await may_try_again(error);
        if (!again) {
            co_return error;
        }
        log.warn("connection_lost", {{"account", account_.name}, {"reason", error.message()}});
    }
    auto noted = co_await note_found();
    co_return noted;
}

// Rows that the disk has changed: what they were about is settled anew, by octets. False: none.
awaitable<bool> AccountRun::put_aside_corrupt() {
    auto put_aside = [this]() -> Result<std::uint64_t> {
        std::uint64_t rows = 0;
        SIDING_ASSIGN(const auto mailboxes, needs_.ledger.mailboxes(record_.id));
        for (const MailboxRecord& mailbox : mailboxes) {
            SIDING_ASSIGN(const auto put, needs_.ledger.put_aside_corrupt(record_.id, mailbox));
            rows += put.size();
        }
        return rows;
    };
    const auto rows = co_await net::run_on(needs_.blocking, put_aside);
    if (rows && *rows > 0) {
        log.error("ledger_rows_corrupt", {{"account", account_.name}, {"rows", *rows}});
    }
    co_return rows&&* rows > 0;
}

awaitable<bool> AccountRun::may_try_again(const Error& error) {
    const bool is_lost =
        (source_ && source_->is_over()) || (destination_ && destination_->is_over());
    // A server that was there before will come back.
    const bool is_away = record_.pass > 1 && net::is_unreached(error);
    const bool is_transient = is_lost || is_away || net::is_closed(error) ||
                              error.is(Errc::unavailable) || net::is_timeout(error);
    const auto state = co_await net::asio::this_coro::cancellation_state;
    const bool is_cancelled = state.cancelled() != net::asio::cancellation_type::none;
    if (!is_transient || is_cancelled || needs_.is_stopping() || net::is_cancelled(error) ||
        error.is(Errc::conflict) || error.is(Errc::storage_failure)) {
        co_return false;
    }
    needs_.pace->on_restart();
    const bool is_pair_there = source_ && destination_;
    if (!is_pair_there && needs_.pace->hold_for_turn()) {
        co_return false;
    }
    const bool has_waited = co_await needs_.pace->wait_as_asked();
    if (has_waited || needs_.pace->held()) {
        co_return has_waited;
    }
    losses_ = progress_ > progress_before_ ? 1 : losses_ + 1;
    progress_before_ = progress_;
    if (losses_ > losses_max) {
        co_return false;
    }
    auto executor = co_await net::asio::this_coro::executor;
    net::asio::steady_timer timer{executor, first_pause * (1U << losses_)};
    static_cast<void>(co_await timer.async_wait(net::use_result));
    co_return true;
}

awaitable<Result<void>> AccountRun::copy_once() {
    // After a first pass most find nothing new, and the destination need not hear of them.
    const bool is_first = record_.pass <= 1;
    if (is_first) {
        SIDING_CO_TRY(co_await open());
    } else {
        SIDING_CO_TRY(co_await open_source());
    }
    SIDING_CO_TRY(co_await list_source());
    listed_at_ = needs_.clock.now();
    needs_.update([this](AccountStatus& status) {
        status.can_idle = source_->capabilities().idle();
    });
    if (!is_first) {
        SIDING_CO_ASSIGN(const bool has_work, co_await is_anything_new());
        SIDING_CO_ASSIGN(const bool has_acls, co_await are_acls_due());
        if (!has_work && !has_acls && !is_other_server_) {
            auto counted = co_await count_known();
            co_return counted;
        }
        SIDING_CO_TRY(co_await open_destination());
    }
    SIDING_CO_TRY(co_await prepare());
    SIDING_CO_TRY(co_await run_pass());
    SIDING_CO_TRY(co_await copy_acls());
    if (options_.window.is_everything()) {
        SIDING_CO_TRY(co_await keep_skipped());
        SIDING_CO_TRY(co_await note_destination(true));
    }
    auto counted = co_await count_known();
    co_return counted;
}

// The plan and the folders, and meanwhile at the source what is recent.
awaitable<Result<void>> AccountRun::prepare() {
    auto executor = co_await net::asio::this_coro::executor;
    net::TaskGroup group{executor, "recent", 1};
    Result<void> asked;
    SIDING_CO_TRY(group.spawn(ask_recent(*this, asked)));
    Result<void> made = co_await make_plan_of_both();
    if (made) {
        made = co_await make_all_folders();
    }
    co_await group.join();
    SIDING_CO_TRY(std::move(made));
    co_return asked;
}

awaitable<Result<void>> AccountRun::make_all_folders() {
    auto made = co_await make_folders();
    if (!made && destination_->trouble() == Trouble::bad_name && !strict_names_) {
        log.info("names_made_strict", {{"account", account_.name}, {"reason", made.error()}});
        strict_names_ = true;
        SIDING_CO_TRY(co_await make_plan_of_both());
        made = co_await make_folders();
    }
    co_return made;
}

awaitable<Result<void>> AccountRun::make_folders() {
    using Action = FolderPlan::Row::Action;
    std::vector<ImapSession::NewFolder> folders;
    for (const FolderPlan::Row& row : plan_->rows) {
        ImapSession::NewFolder folder;
        folder.name = row.destination;
        folder.use = row.special_use;
        folder.create = row.action == Action::create_and_copy;
        folder.subscribe =
            row.action != Action::skip && row.subscribe && !subscribed_.contains(row.destination);
        if (folder.create || folder.subscribe) {
            folders.push_back(std::move(folder));
        }
    }
    auto made = co_await destination_->make(std::move(folders));
    co_return made;
}

awaitable<Result<void>> AccountRun::run_pass() {
    const auto executor = co_await net::asio::this_coro::executor;
    EmailClaims emails{executor};
    moving_.clear();
    MailboxPass::Account account{
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
        .memory = needs_.memory / std::max<std::size_t>(needs_.pairs, 1),
        .switched_at = needs_.switched_at,
        .compare_all_flags = needs_.compare_all_flags,
        .on_progress =
            [this](const PassCounts& more) {
                progress_ += more.copied + more.refused + more.unreadable;
                needs_.update([&more](AccountStatus& status) { status.counts += more; });
            },
        .emails = &emails,
        .window = options_.window.is_everything() ? nullptr : &options_.window,
        .is_stopping = needs_.is_stopping,
        .other_way = other_way_,
        .quarantine = quarantine_.get(),
        .source_prefix = source_side_.prefix,
    };
    std::vector<std::unique_ptr<MailboxPass>> mailboxes;
    std::uint64_t messages = 0;
    std::uint64_t octets = 0;
    std::map<std::string, FolderState> states;
    for (const FolderState& state : source_folders_) {
        states.emplace(state.folder.name, state);
    }
    std::vector<FolderPlan::Row> rows;
    std::vector<std::string> names;
    for (const FolderPlan::Row& row : plan_->rows) {
        if (row.action != FolderPlan::Row::Action::skip && states.contains(row.source)) {
            rows.push_back(row);
            names.push_back(row.source);
            messages += row.messages;
            octets += row.octets;
        }
    }
    bool has_gone_messages = false;
    auto take = [&]() -> Result<std::vector<MailboxRecord>> {
        SIDING_ASSIGN(const auto gone, needs_.ledger.value(record_.id, gone_key));
        has_gone_messages = !gone.value_or("").empty();
        return needs_.ledger.mailboxes(record_.id, names);
    };
    SIDING_CO_ASSIGN(auto records, co_await net::run_on(needs_.blocking, take));
    compare_servers(records);
    for (std::size_t at = 0; at < rows.size(); ++at) {
        const MailboxPass::Place place = place_of(records[at]);
        mailboxes.push_back(std::make_unique<MailboxPass>(
            account, rows[at], states.at(rows[at].source), std::move(records[at])
        ));
        mailboxes.back()->set_place(place);
    }
    needs_.update([&](AccountStatus& status) {
        status.mailboxes = mailboxes.size();
        status.mailboxes_done = 0;
        status.counts.to_copy = status.counts.copied + status.counts.refused;
        status.source_messages = messages;
        status.source_octets = octets;
    });
    AccountPass pass{
        AccountPass::Needs{
            .first = {*source_, *destination_},
            .open = [this](AccountPass::Sessions& more) { return open_pair(*this, more); },
            .pairs_max = needs_.pairs,
            .has_gone_messages = has_gone_messages,
            .recent = std::exchange(recent_, {}),
            .update = needs_.update,
            .is_stopping = needs_.is_stopping,
        },
        std::move(mailboxes)};
    auto done = co_await pass.run();
    for (const auto& mailbox : pass.mailboxes()) {
        if (mailbox->counts().changes() > 0) {
            found_[mailbox->row().source] += mailbox->counts();
        }
    }
    if (done && has_gone_messages && !pass.has_found_gone() && options_.window.is_everything()) {
        auto forget = [this] { return needs_.ledger.put_value(record_.id, gone_key, ""); };
        SIDING_CO_TRY(co_await net::run_on(needs_.blocking, forget));
    }
    co_return done;
}

awaitable<Result<void>> AccountRun::open_pair(AccountRun& self, AccountPass::Sessions& sessions) {
    Governor::Taken taken = self.needs_.pace->take_more();
    if (!taken.permit) {
        co_return Error{Errc::limit_exceeded, taken.denial.words};
    }
    sessions.permit = std::move(taken.permit);
    auto executor = co_await net::asio::this_coro::executor;
    net::TaskGroup group{executor, "login", 1};
    Result<void> opened;
    SIDING_CO_TRY(group.spawn(open_beside(self, sessions.destination, opened)));
    const ImapSession::Host host{self.needs_.blocking, &self.needs_.tokens, self.needs_.pace.get()};
    std::optional<Trouble> trouble;
    auto source = co_await ImapSession::open(self.account_.source, host, trouble);
    co_await group.join();
    SIDING_CO_TRY(std::move(opened));
    SIDING_CO_ASSIGN(sessions.source, std::move(source));
    co_return Result<void>{};
}

awaitable<void> AccountRun::open_beside(
    AccountRun& self, std::unique_ptr<ImapSession>& session, Result<void>& outcome
) {
    const ImapSession::Host host{self.needs_.blocking, &self.needs_.tokens, self.needs_.pace.get()};
    std::optional<Trouble> trouble;
    auto opened = co_await ImapSession::open(self.account_.destination, host, trouble);
    if (!opened) {
        outcome = with_context(std::move(opened).error(), "destination");
        co_return;
    }
    session = std::move(*opened);
    if (self.must_ask_first_) {
        session->connection().set_literals(ImapConnection::Literals::synchronizing);
    }
}

}  // namespace siding::backfill

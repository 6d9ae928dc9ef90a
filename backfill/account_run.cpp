#include "backfill/account_run.hpp"

#include "backfill/verifier.hpp"
#include "base/bytes.hpp"
#include "base/log.hpp"
#include "net/network_error.hpp"
#include "net/run_on.hpp"

#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <fmt/format.h>
#include <fstream>
#include <sstream>
#include <utility>

namespace siding::backfill {
namespace {

using net::awaitable;

const Logger log{"backfill"};

// Connections lost in a row without a message between: then a person should look.
constexpr unsigned losses_max = 6;
constexpr std::chrono::milliseconds first_pause = std::chrono::milliseconds{500};

constexpr const char* plan_key = "plan";

Result<std::string> read_file(const std::string& path) {
    std::ifstream file{path};
    std::stringstream text;
    text << file.rdbuf();
    if (!file) {
        return Error{Errc::not_found, "the folder plan " + path + " cannot be read"};
    }
    return text.str();
}

}  // namespace

std::string_view to_text(AccountPhase phase) {
    switch (phase) {
    case AccountPhase::idle:
        return "idle";
    case AccountPhase::waiting:
        return "waiting";
    case AccountPhase::copying:
        return "copying";
    case AccountPhase::verifying:
        return "verifying";
    case AccountPhase::checking:
        return "checking";
    case AccountPhase::failed:
        return "failed";
    }
    return "idle";
}

AccountRun::AccountRun(Account account, Needs needs)
    : account_{std::move(account)}, needs_{std::move(needs)} {}

AccountRun::~AccountRun() = default;

awaitable<Result<void>> AccountRun::open() {
    source_.reset();
    destination_.reset();
    const ImapSession::Host host{needs_.blocking};
    std::optional<Trouble> trouble;
    auto source = co_await ImapSession::open(account_.source, host, trouble);
    if (!source) {
        co_return with_context(std::move(source).error(), "source");
    }
    source_ = std::move(*source);
    auto destination = co_await ImapSession::open(account_.destination, host, trouble);
    if (!destination) {
        co_return with_context(std::move(destination).error(), "destination");
    }
    destination_ = std::move(*destination);
    co_return Result<void>{};
}

awaitable<void> AccountRun::close() {
    for (auto* session : {&source_, &destination_}) {
        if (*session) {
            co_await (*session)->close();
            session->reset();
        }
    }
}

// Both sides' folders, and what becomes of them: the reviewed plan where there is one.
awaitable<Result<void>> AccountRun::list() {
    SIDING_CO_ASSIGN(FolderSide source, co_await source_->folders(source_folders_));
    std::erase_if(source.folders, [this](const Folder& folder) {
        const FolderState* state = state_of(folder.name);
        return state != nullptr && !state->is_selectable;
    });
    std::vector<FolderState> there;
    SIDING_CO_ASSIGN(FolderSide destination, co_await destination_->folders(there));
    source.prefix = account_.source.prefix.value_or(source.prefix);
    destination.prefix = account_.destination.prefix.value_or(destination.prefix);
    FolderPlan fresh = make_plan(account_.name, source, destination, account_.rules);
    if (!account_.plan_file) {
        plan_ = std::move(fresh);
        co_return Result<void>{};
    }
    auto read = [path = *account_.plan_file]() -> Result<FolderPlan> {
        SIDING_ASSIGN(const std::string text, read_file(path));
        return parse_plan(text, path);
    };
    SIDING_CO_ASSIGN(const FolderPlan reviewed, co_await net::run_on(needs_.blocking, read));
    plan_ = follow_plan(reviewed, fresh);
    for (const std::string& line : drift(reviewed, fresh)) {
        log.info("plan_drift", {{"account", account_.name}, {"what", line}});
    }
    co_return Result<void>{};
}

const FolderState* AccountRun::state_of(const std::string& source) const {
    for (const FolderState& state : source_folders_) {
        if (state.folder.name == source) {
            return &state;
        }
    }
    return nullptr;
}

awaitable<Result<FolderPlan>> AccountRun::plan() {
    SIDING_CO_TRY(co_await open());
    auto listed = co_await list();
    co_await close();
    SIDING_CO_TRY(std::move(listed));
    co_return *plan_;
}

awaitable<Result<void>> AccountRun::check() {
    needs_.update([](AccountStatus& status) { status.phase = AccountPhase::checking; });
    SIDING_CO_TRY(co_await open());
    auto listed = co_await list();
    co_await close();
    if (listed) {
        needs_.update([this](AccountStatus& status) {
            status.mailboxes = plan_->rows.size();
            status.source_messages = 0;
            status.source_octets = 0;
            for (const FolderPlan::Row& row : plan_->rows) {
                status.source_messages += row.messages;
                status.source_octets += row.octets;
            }
        });
    }
    co_return listed;
}

// A pass is begun anew after a lost connection: what is done is in the ledger and costs little.
awaitable<Result<void>> AccountRun::copy() {
    auto begin = [this]() -> Result<void> {
        SIDING_ASSIGN(record_, needs_.ledger.account(account_.name));
        ++record_.pass;
        record_.phase = "copying";
        record_.changed_at = needs_.clock.now();
        return needs_.ledger.put(record_);
    };
    SIDING_CO_TRY(co_await net::run_on(needs_.blocking, begin));
    needs_.update([this](AccountStatus& status) {
        status.phase = AccountPhase::copying;
        status.pass = record_.pass;
        status.counts = {};
        status.started_at = needs_.clock.now();
        status.is_clean = false;
    });
    Result<void> done;
    for (;;) {
        done = co_await copy_once();
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

awaitable<bool> AccountRun::may_try_again(const Error& error) {
    const bool is_lost =
        (source_ && source_->is_over()) || (destination_ && destination_->is_over());
    const bool is_transient = is_lost || error.is(Errc::unavailable) || net::is_timeout(error);
    const auto state = co_await net::asio::this_coro::cancellation_state;
    const bool is_cancelled = state.cancelled() != net::asio::cancellation_type::none;
    if (!is_transient || is_cancelled || needs_.is_stopping() || net::is_cancelled(error) ||
        error.is(Errc::conflict) || error.is(Errc::storage_failure)) {
        co_return false;
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
    SIDING_CO_TRY(co_await open());
    SIDING_CO_TRY(co_await list());
    SIDING_CO_TRY(co_await save_plan());
    SIDING_CO_TRY(co_await make_folders());
    SIDING_CO_TRY(co_await run_pass());
    auto counted = co_await count_known();
    co_return counted;
}

awaitable<Result<void>> AccountRun::save_plan() {
    auto save = [this] {
        return needs_.ledger.put_value(record_.id, plan_key, format_plan(*plan_));
    };
    auto saved = co_await net::run_on(needs_.blocking, save);
    co_return saved;
}

awaitable<Result<void>> AccountRun::make_folders() {
    using Action = FolderPlan::Row::Action;
    for (FolderPlan::Row& row : plan_->rows) {
        if (row.action != Action::create_and_copy) {
            continue;
        }
        SIDING_CO_TRY(co_await destination_->create(row.destination, row.special_use));
        if (row.subscribe) {
            SIDING_CO_TRY(co_await destination_->subscribe(row.destination));
        }
    }
    co_return Result<void>{};
}

awaitable<Result<void>> AccountRun::run_pass() {
    MailboxPass::Account account{
        .source = *source_,
        .destination = *destination_,
        .ledger = needs_.ledger,
        .blocking = needs_.blocking,
        .spool = needs_.spool,
        .id = record_.id,
        .pass = record_.pass,
        .bandwidth = needs_.bandwidth,
        .memory = needs_.memory,
        .switched_at = needs_.switched_at,
        .compare_all_flags = needs_.compare_all_flags,
        .on_progress =
            [this](const PassCounts& more) {
                progress_ += more.copied + more.refused + more.unreadable;
                needs_.update([&more](AccountStatus& status) { status.counts += more; });
            },
    };
    std::vector<std::unique_ptr<MailboxPass>> mailboxes;
    std::uint64_t messages = 0;
    std::uint64_t octets = 0;
    for (const FolderPlan::Row& row : plan_->rows) {
        const FolderState* state = state_of(row.source);
        if (row.action != FolderPlan::Row::Action::skip && state != nullptr) {
            mailboxes.push_back(std::make_unique<MailboxPass>(account, row, *state));
            messages += row.messages;
            octets += row.octets;
        }
    }
    needs_.update([&](AccountStatus& status) {
        status.mailboxes = mailboxes.size();
        status.mailboxes_done = 0;
        status.counts.to_copy = status.counts.copied + status.counts.refused;
        status.source_messages = messages;
        status.source_octets = octets;
    });
    bool has_gone_messages = false;
    for (const auto& mailbox : mailboxes) {
        SIDING_CO_TRY(co_await mailbox->look());
        has_gone_messages = has_gone_messages || mailbox->counts().gone > 0;
        const PassCounts looked = mailbox->counts();
        needs_.update([&looked](AccountStatus& status) { status.counts += looked; });
    }
    for (const auto& mailbox : mailboxes) {
        if (needs_.is_stopping()) {
            co_return Error{Errc::unavailable, "stopped; what is copied is in the ledger"};
        }
        needs_.update([&](AccountStatus& status) { status.mailbox = mailbox->row().source; });
        auto copied = co_await mailbox->copy(has_gone_messages);
        if (!copied) {
            co_return with_context(std::move(copied).error(), escape(mailbox->row().source));
        }
        needs_.update([](AccountStatus& status) { ++status.mailboxes_done; });
    }
    co_return Result<void>{};
}

awaitable<Result<void>> AccountRun::count_known() {
    std::uint64_t copied = 0;
    std::uint64_t excepted = 0;
    auto count = [this, &copied, &excepted]() -> Result<void> {
        SIDING_ASSIGN(const auto mailboxes, needs_.ledger.mailboxes(record_.id));
        for (const MailboxRecord& mailbox : mailboxes) {
            SIDING_ASSIGN(const MailboxTotals totals, needs_.ledger.totals(record_.id, mailbox));
            for (const auto& [state, messages] : totals.messages) {
                if (state == CopyState::copied) {
                    copied += messages;
                } else if (state == CopyState::refused || state == CopyState::unreadable) {
                    excepted += messages;
                }
            }
        }
        return {};
    };
    SIDING_CO_TRY(co_await net::run_on(needs_.blocking, count));
    needs_.update([&](AccountStatus& status) {
        status.known_messages = copied;
        status.is_clean = excepted == 0;
        status.mailbox.clear();
    });
    co_return Result<void>{};
}

awaitable<Result<void>> AccountRun::verify() {
    needs_.update([this](AccountStatus& status) {
        status.phase = AccountPhase::verifying;
        status.verdicts.clear();
        status.counts = {};
        status.started_at = needs_.clock.now();
    });
    auto take = [this]() -> Result<std::vector<MailboxRecord>> {
        SIDING_ASSIGN(record_, needs_.ledger.account(account_.name));
        return needs_.ledger.mailboxes(record_.id);
    };
    SIDING_CO_ASSIGN(const auto mailboxes, co_await net::run_on(needs_.blocking, take));
    SIDING_CO_TRY(co_await open());
    SIDING_CO_TRY(co_await list());
    needs_.update([&](AccountStatus& status) {
        status.mailboxes = mailboxes.size();
        status.mailboxes_done = 0;
    });
    Verifier::Needs verifier_needs{
        .source = *source_,
        .destination = *destination_,
        .ledger = needs_.ledger,
        .blocking = needs_.blocking,
        .spool = needs_.spool,
        .account = record_.id,
        .pass = record_.pass,
        .on_verdict =
            [this](const std::string& verdict) {
                needs_.update([&verdict](AccountStatus& status) { ++status.verdicts[verdict]; });
            },
    };
    Verifier verifier{std::move(verifier_needs)};
    for (const MailboxRecord& mailbox : mailboxes) {
        const FolderState* state = state_of(mailbox.source);
        SIDING_CO_TRY(co_await verifier.verify(mailbox, state != nullptr));
        needs_.update([](AccountStatus& status) { ++status.mailboxes_done; });
    }
    for (const FolderPlan::Row& row : plan_->rows) {
        if (row.action != FolderPlan::Row::Action::skip) {
            SIDING_CO_TRY(co_await verifier.count_uncopied(row.source));
        }
    }
    co_await close();
    co_return Result<void>{};
}

}  // namespace siding::backfill

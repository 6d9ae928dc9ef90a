#include "backfill/account_run.hpp"

#include "backfill/quarantine.hpp"
#include "backfill/way_back.hpp"
#include "base/log.hpp"
#include "net/network_error.hpp"
#include "net/run_on.hpp"
#include "net/task_group.hpp"

#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <chrono>
#include <fmt/format.h>
#include <fstream>
#include <map>
#include <sstream>
#include <utility>

namespace siding::backfill {
namespace {

using net::awaitable;

const Logger log{"backfill"};

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
    case AccountPhase::archiving:
        return "archiving";
    case AccountPhase::restoring:
        return "restoring";
    case AccountPhase::assessing:
        return "assessing";
    case AccountPhase::failed:
        return "failed";
    }
    return "idle";
}

AccountRun::AccountRun(Account account, Needs needs)
    : account_{std::move(account)}, needs_{std::move(needs)} {
    if (needs_.archive != nullptr) {
        quarantine_ = std::make_unique<Quarantine>(Quarantine::Needs{
            *needs_.archive, needs_.archive_directory, needs_.blocking, needs_.clock, account_.name}
        );
    }
}

AccountRun::~AccountRun() = default;

awaitable<Result<void>> AccountRun::open_source() {
    source_.reset();
    const ImapSession::Host host{needs_.blocking, &needs_.tokens, needs_.pace.get()};
    std::optional<Trouble> trouble;
    auto source = co_await ImapSession::open(account_.source, host, trouble);
    if (!source) {
        co_return with_context(std::move(source).error(), "source");
    }
    source_ = std::move(*source);
    co_return Result<void>{};
}

awaitable<Result<void>> AccountRun::open_destination() {
    destination_.reset();
    Result<void> opened;
    co_await open_beside(*this, destination_, opened);
    co_return opened;
}

// Both at the same time.
awaitable<Result<void>> AccountRun::open() {
    auto executor = co_await net::asio::this_coro::executor;
    net::TaskGroup group{executor, "login", 1};
    Result<void> destination;
    destination_.reset();
    SIDING_CO_TRY(group.spawn(open_beside(*this, destination_, destination)));
    auto source = co_await open_source();
    co_await group.join();
    SIDING_CO_TRY(std::move(source));
    co_return destination;
}

awaitable<void> AccountRun::close() {
    for (auto* session : {&source_, &destination_}) {
        if (*session) {
            co_await (*session)->close();
            session->reset();
        }
    }
}

awaitable<Result<void>> AccountRun::list_source() {
    SIDING_CO_ASSIGN(source_side_, co_await source_->folders(source_folders_));
    co_return Result<void>{};
}

// Both sides' folders, and what becomes of them: the reviewed plan where there is one.
awaitable<Result<void>> AccountRun::list() {
    SIDING_CO_TRY(co_await list_source());
    auto made = co_await make_plan_of_both();
    co_return made;
}

awaitable<Result<void>> AccountRun::make_plan_of_both() {
    FolderSide source = source_side_;
    std::erase_if(source.folders, [this](const Folder& folder) {
        const FolderState* state = state_of(folder.name);
        return state != nullptr && !state->is_selectable;
    });
    std::vector<FolderState> there;
    SIDING_CO_ASSIGN(FolderSide destination, co_await destination_->folders(there));
    subscribed_.clear();
    validities_.clear();
    for (const FolderState& state : there) {
        validities_[state.folder.name] = state.status.uid_validity.value_or("");
        if (state.folder.is_subscribed) {
            subscribed_.insert(state.folder.name);
        }
    }
    destination.strict_names = strict_names_;
    source.prefix = account_.source.prefix.value_or(source.prefix);
    destination.prefix = account_.destination.prefix.value_or(destination.prefix);
    FolderPlan fresh = make_plan(account_.name, source, destination, account_.rules);
    if (is_name_of_way_back(account_.name)) {
        SIDING_CO_TRY(co_await follow_way_out(there, fresh));
    }
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
    for (std::string& line : drift(reviewed, fresh)) {
        log.info("plan_drift", {{"account", account_.name}, {"what", line}});
        plan_->notes.push_back(std::move(line));
    }
    co_return Result<void>{};
}

awaitable<Result<void>> AccountRun::follow_way_out(
    const std::vector<FolderState>& there, FolderPlan& plan
) {
    std::set<std::string> names;
    for (const FolderState& state : there) {
        names.insert(state.folder.name);
    }
    auto follow = [this, &names, &plan] {
        return backfill::follow_way_out(needs_.ledger, *other_way_, names, plan);
    };
    auto followed = co_await net::run_on(needs_.blocking, follow);
    co_return followed;
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

}  // namespace siding::backfill

#include "backfill/backfill.hpp"

#include "backfill/limits.hpp"
#include "backfill/way_back.hpp"
#include "base/bytes.hpp"
#include "base/log.hpp"
#include "net/run_on.hpp"

#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <fmt/format.h>
#include <malloc.h>
#include <utility>

namespace siding::backfill {
namespace {

using net::awaitable;

const Logger log{"backfill"};

constexpr std::size_t tasks_max = 1024;

}  // namespace

Backfill::Backfill(Parts parts)
    : parts_{std::move(parts)},
      bandwidth_{[this] { return parts_.config.get()->backfill.bandwidth; }},
      governor_{parts_.clock, [this](Side side) { return server(side).connections; }},
      budget_{
          parts_.ledger,
          parts_.clock,
          [this](Side side) {
              const config::ImapServer settings = server(side);
              return Budget::Bounds{settings.daily, settings.daily_account};
          }},
      pace_{
          governor_,
          budget_,
          bandwidth_,
          parts_.clock,
          parts_.runtime.blocking(),
          [this] { return quiet_until(); }},
      tokens_{{parts_.runtime.blocking(), parts_.clock, spool() / "tokens"}},
      flows_{{tokens_, parts_.runtime.io(0), parts_.runtime.blocking(), parts_.clock}},
      watches_{SourceWatches::Parts{
          parts_.runtime,
          governor_,
          tokens_,
          [this](const std::string& account, SourceWatch::News news) { on_news(account, news); }}},
      tasks_{parts_.runtime.io(0), "backfill", tasks_max} {}

Backfill::~Backfill() = default;

std::filesystem::path Backfill::spool() const {
    return std::filesystem::path{parts_.config.get()->data_dir} / "backfill";
}

Result<void> Backfill::load() {
    const auto config = parts_.config.get();
    auto loaded = load_accounts(config->backfill);
    if (!loaded) {
        const std::lock_guard lock{mutex_};
        problems_ = {AccountsProblem{0, 0, "not read: " + loaded.error().message()}};
        warnings_.clear();
        return std::move(loaded).error();
    }
    Accounts accounts = std::move(*loaded);
    SIDING_ASSIGN(const auto known, known_accounts());
    SIDING_ASSIGN(auto kept, kept_orders());
    const std::lock_guard lock{mutex_};
    for (auto& [name, entry] : entries_) {
        entry.is_listed = false;
    }
    names_.clear();
    directory_ = AclDirectory{accounts.list};
    for (Account& account : accounts.list) {
        const std::string name = account.name;
        const bool is_new = !entries_.contains(name);
        Entry& entry = entries_[name];
        if (const auto found = known.find(name); is_new && found != known.end()) {
            entry.status = found->second;
        }
        entry.status.name = name;
        entry.is_listed = true;
        entry.account = std::move(account);
        names_.push_back(name);
        if (const auto found = kept.find(name); is_new && found != kept.end()) {
            resume_orders(entry, name, std::move(found->second));
        }
    }
    problems_ = std::move(accounts.problems);
    warnings_ = std::move(accounts.warnings);
    return {};
}

std::vector<AccountsProblem> Backfill::problems() const {
    const std::lock_guard lock{mutex_};
    return problems_;
}

std::vector<AccountsProblem> Backfill::warnings() const {
    const std::lock_guard lock{mutex_};
    return warnings_;
}

Result<Account> Backfill::account(std::string_view name) const {
    const std::lock_guard lock{mutex_};
    const auto entry = entries_.find(std::string{name});
    if (entry == entries_.end() || !entry->second.is_listed) {
        return Error{Errc::not_found, fmt::format("there is no account {}", escape(name))};
    }
    return entry->second.account;
}

Result<AccountStatus> Backfill::status(std::string_view name) const {
    const std::lock_guard lock{mutex_};
    const auto entry = entries_.find(std::string{name});
    if (entry == entries_.end()) {
        return Error{Errc::not_found, fmt::format("there is no account {}", escape(name))};
    }
    return status_of(entry->second);
}

// Of the user's own domain, where it is one that Siding moves.
std::optional<WallTime> Backfill::switched_at(const Account& account) const {
    const auto config = parts_.config.get();
    for (const std::string& user : {account.source.user, account.source.authzid, account.name}) {
        const auto at = user.rfind('@');
        const auto domain = Domain::parse(at == std::string::npos ? "" : user.substr(at + 1));
        if (domain && config->domains.contains(*domain)) {
            return config->domains.at(*domain).mx.switch_at;
        }
    }
    return std::nullopt;
}

std::shared_ptr<const AclNames> Backfill::acl_names_for(const Account& account) const {
    const std::lock_guard lock{mutex_};
    return directory_.names_for(account);
}

AccountRun::Needs Backfill::needs_of(const Account& account, Order order) {
    const auto config = parts_.config.get();
    const std::string name = account.name;
    const std::chrono::milliseconds recent = config->backfill.recent;
    auto pace = std::make_unique<AccountPace>(pace_, pace_of(account, order));
    AccountPace* const own_pace = pace.get();
    return AccountRun::Needs{
        .ledger = parts_.ledger,
        .blocking = parts_.runtime.blocking(),
        .clock = parts_.clock,
        .spool = spool(),
        .pace = std::move(pace),
        .tokens = tokens_,
        .pairs = pairs(),
        .memory = config->backfill.memory / accounts_at_once(),
        .switched_at = switched_at(account),
        .compare_all_flags = !standing().following,
        .recent_since = recent > std::chrono::milliseconds{0}
                            ? std::optional<WallTime>{parts_.clock.now() - recent}
                            : std::nullopt,
        .acl_names = config->backfill.acls ? acl_names_for(account) : nullptr,
        .archive = &archive_,
        .archive_directory = spool() / "archive",
        .update =
            [this, name](const std::function<void(AccountStatus&)>& change) {
                const std::lock_guard lock{mutex_};
                change(entries_.at(name).status);
            },
        .is_stopping =
            [this, name, own_pace] {
                {
                    const std::lock_guard lock{mutex_};
                    const bool is_told = is_stopping_ || standing_.paused;
                    entries_.at(name).was_told_to_stop = is_told;
                    if (is_told) {
                        return true;
                    }
                }
                return own_pace->check().has_error();
            },
    };
}

awaitable<void> Backfill::run(Backfill& self, Job job, Account account) {
    co_await run_job(self, std::move(job), std::move(account));
    bool is_last = false;
    {
        const std::lock_guard lock{self.mutex_};
        is_last = self.running_ == 0;
    }
    if (is_last) {  // what a large account has needed goes back to the system
        auto trim = [] { return ::malloc_trim(0); };
        static_cast<void>(co_await net::run_on(self.blocking(), trim));
    }
}

awaitable<void> Backfill::run_job(Backfill& self, Job job, Account account) {
    log.info("account_started", {{"account", job.name}, {"order", to_text(job.given.order)}});
    AccountRun::Needs needs = self.needs_of(account, job.given.order);
    needs.is_resumed = job.is_resumed;
    needs.compare_all_flags = job.given.options.compare_all_flags || job.given.options.is_final ||
                              needs.compare_all_flags;
    if (job.given.options.is_back) {
        account = way_back(std::move(account));
        needs.acl_names.reset();
        needs.switched_at.reset();
        needs.recent_since.reset();
    }
    AccountPace& pace = *needs.pace;
    pace.give(std::move(job.permit));
    AccountRun run{std::move(account), std::move(needs)};
    Result<void> done = co_await pace.open();
    if (done) {
        done = co_await run_order(self, job, run);
    }
    if (!done && done.error().is(Errc::unavailable) && !pace.held() && !pace.hold_for_turn()) {
        static_cast<void>(pace.check());  // an order that has not asked for itself
    }
    static_cast<void>(co_await pace.close());  // a ledger that has failed ends the process
    self.end_job(std::move(job), done, pace.held());
    self.dispatch();
    auto keep = [&self] { return self.keep_orders(); };
    static_cast<void>(co_await net::run_on(self.blocking(), keep));
}

awaitable<Result<void>> Backfill::run_order(Backfill& self, const Job& job, AccountRun& run) {
    Result<void> done;
    switch (job.given.order) {
    case Order::copy:
        done = co_await run.copy(job.given.options);
        break;
    case Order::verify:
        done = co_await run.verify(job.given.options);
        break;
    case Order::check:
        done = co_await run.check(job.given.options);
        break;
    case Order::assess:
        done = co_await run.assess(job.given.options);
        break;
    case Order::retry:
        done = co_await run.retry(job.given.options.retry);
        break;
    case Order::archive:
    case Order::restore:
        done = co_await run_archive(self, job.given.order, run);
        break;
    }
    co_return done;
}

awaitable<Result<void>> Backfill::run_archive(Backfill& self, Order order, AccountRun& run) {
    auto take = [&self] { return self.archive_.take(self.spool() / "archive"); };
    auto lease = co_await net::run_on(self.blocking(), take);
    if (!lease) {
        co_return std::move(lease).error();
    }
    if (order == Order::restore) {
        auto restored = co_await run.restore(lease->store());
        co_return restored;
    }
    auto archived = co_await run.archive(lease->store());
    co_return archived;
}

awaitable<Result<FolderPlan>> Backfill::plan(std::string name) {
    SIDING_CO_ASSIGN(Account account, this->account(name));
    SIDING_CO_ASSIGN(Governor::Permit permit, co_await wait_for_turn(*this, account));
    AccountRun::Needs needs = needs_of(account, Order::check);
    needs.pace->give(std::move(permit));
    AccountRun run{std::move(account), std::move(needs)};
    auto plan = co_await run.plan();
    co_return plan;
}

awaitable<void> Backfill::stop() {
    {
        const std::lock_guard lock{mutex_};
        is_stopping_ = true;
        jobs_.clear();
    }
    tasks_.cancel();
    co_await flows_.stop();
    co_await tasks_.join();
    co_await watches_.stop();
}

}  // namespace siding::backfill

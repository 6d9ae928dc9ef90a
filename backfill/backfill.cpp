#include "backfill/backfill.hpp"

#include "backfill/limits.hpp"
#include "base/bytes.hpp"
#include "base/log.hpp"
#include "net/run_on.hpp"

#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <ctime>
#include <fmt/format.h>
#include <utility>

namespace siding::backfill {
namespace {

using net::awaitable;

const Logger log{"backfill"};

constexpr std::size_t tasks_max = 1024;
constexpr std::chrono::seconds follow_look{1};

std::string_view to_text(Order order) {
    switch (order) {
    case Order::copy:
        return "copy";
    case Order::verify:
        return "verify";
    case Order::check:
        return "check";
    case Order::archive:
        return "archive";
    case Order::restore:
        return "restore";
    }
    return "copy";
}

}  // namespace

Backfill::Backfill(Parts parts)
    : parts_{std::move(parts)},
      bandwidth_{[this] { return parts_.config.get()->backfill.bandwidth; }},
      tasks_{parts_.runtime.io(0), "backfill", tasks_max} {}

Backfill::~Backfill() = default;

std::filesystem::path Backfill::spool() const {
    return std::filesystem::path{parts_.config.get()->data_dir} / "backfill";
}

Result<void> Backfill::load() {
    const auto config = parts_.config.get();
    SIDING_ASSIGN(Accounts accounts, load_accounts(config->backfill));
    const std::lock_guard lock{mutex_};
    for (auto& [name, entry] : entries_) {
        entry.is_listed = false;
    }
    names_.clear();
    for (Account& account : accounts.list) {
        const std::string name = account.name;
        Entry& entry = entries_[name];
        entry.status.name = name;
        entry.is_listed = true;
        entry.account = std::move(account);
        names_.push_back(name);
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

Result<std::vector<std::string>> Backfill::order(
    Order order, const std::vector<std::string>& names
) {
    std::vector<std::string> ordered;
    {
        const std::lock_guard lock{mutex_};
        const std::vector<std::string>& wanted = names.empty() ? names_ : names;
        for (const std::string& name : wanted) {
            const auto entry = entries_.find(name);
            if (entry == entries_.end() || !entry->second.is_listed) {
                return Error{
                    Errc::not_found,
                    fmt::format(
                        "there is no account {}; `siding backfill status` lists them", escape(name)
                    )};
            }
        }
        for (const std::string& name : wanted) {
            Entry& entry = entries_.at(name);
            if (!entry.is_busy) {
                entry.is_busy = true;
                entry.status.phase = AccountPhase::waiting;
                entry.status.words.clear();
                jobs_.push_back(Job{name, order});
                ordered.push_back(name);
            }
        }
    }
    dispatch();
    return ordered;
}

void Backfill::follow(bool on) {
    const std::lock_guard lock{mutex_};
    is_following_ = on;
}

bool Backfill::is_following() const {
    const std::lock_guard lock{mutex_};
    return is_following_;
}

void Backfill::pause() {
    const std::lock_guard lock{mutex_};
    is_paused_ = true;
}

void Backfill::resume() {
    {
        const std::lock_guard lock{mutex_};
        is_paused_ = false;
    }
    dispatch();
}

bool Backfill::is_paused() const {
    const std::lock_guard lock{mutex_};
    return is_paused_;
}

std::vector<AccountStatus> Backfill::status() const {
    const std::lock_guard lock{mutex_};
    std::vector<AccountStatus> all;
    for (const std::string& name : names_) {
        all.push_back(entries_.at(name).status);
    }
    return all;
}

Result<AccountStatus> Backfill::status(std::string_view name) const {
    const std::lock_guard lock{mutex_};
    const auto entry = entries_.find(std::string{name});
    if (entry == entries_.end()) {
        return Error{Errc::not_found, fmt::format("there is no account {}", escape(name))};
    }
    return entry->second.status;
}

// Quiet hours are the operator's: in the machine's own time zone.
bool Backfill::is_quiet_hour() const {
    const std::time_t now = std::chrono::system_clock::to_time_t(
        std::chrono::time_point_cast<std::chrono::system_clock::duration>(parts_.clock.now())
    );
    std::tm local{};
    ::localtime_r(&now, &local);
    const std::chrono::minutes at{local.tm_hour * 60 + local.tm_min};
    const auto config = parts_.config.get();
    return std::ranges::any_of(config->backfill.quiet_hours, [at](const config::DayTime& quiet) {
        return quiet.from <= quiet.to ? at >= quiet.from && at < quiet.to
                                      : at >= quiet.from || at < quiet.to;
    });
}

void Backfill::dispatch() {
    const std::lock_guard lock{mutex_};
    const std::size_t at_once = accounts_at_once();
    while (!is_paused_ && !is_stopping_ && running_ < at_once && !jobs_.empty() && !is_quiet_hour()
    ) {
        Job job = std::move(jobs_.front());
        jobs_.pop_front();
        Account account = entries_.at(job.name).account;
        auto task = run(*this, std::move(job), std::move(account));
        const auto spawned = tasks_.spawn_on(parts_.runtime.next_io(), std::move(task));
        if (!spawned) {
            log.error("account_not_started", {{"reason", spawned.error()}});
            return;
        }
        ++running_;
    }
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

// Each account has at least one connection to either side.
std::size_t Backfill::accounts_at_once() const {
    const auto config = parts_.config.get();
    const config::Backfill& settings = config->backfill;
    return std::max<std::size_t>(
        1,
        std::min(
            {settings.accounts_at_once,
             settings.source.connections,
             settings.destination.connections}
        )
    );
}

// What one account may have of the connections, as many accounts as are at work now.
std::size_t Backfill::pairs() const {
    const auto config = parts_.config.get();
    const config::Backfill& settings = config->backfill;
    const std::size_t connections =
        std::min(settings.source.connections, settings.destination.connections);
    std::size_t accounts = 1;
    {
        const std::lock_guard lock{mutex_};
        accounts = std::clamp<std::size_t>(running_ + jobs_.size(), 1, accounts_at_once());
    }
    return std::clamp<std::size_t>(connections / accounts, 1, limits::pairs_max);
}

AccountRun::Needs Backfill::needs_of(const Account& account) {
    const auto config = parts_.config.get();
    const std::string name = account.name;
    return AccountRun::Needs{
        .ledger = parts_.ledger,
        .blocking = parts_.runtime.blocking(),
        .clock = parts_.clock,
        .spool = spool(),
        .bandwidth = bandwidth_,
        .pairs = pairs(),
        .memory = config->backfill.memory / accounts_at_once(),
        .switched_at = switched_at(account),
        .compare_all_flags = !is_following(),
        .update =
            [this, name](const std::function<void(AccountStatus&)>& change) {
                const std::lock_guard lock{mutex_};
                change(entries_.at(name).status);
            },
        .is_stopping =
            [this] {
                const std::lock_guard lock{mutex_};
                return is_stopping_ || is_paused_;
            },
    };
}

awaitable<void> Backfill::run(Backfill& self, Job job, Account account) {
    log.info("account_started", {{"account", job.name}, {"order", to_text(job.order)}});
    AccountRun::Needs needs = self.needs_of(account);
    AccountRun run{std::move(account), std::move(needs)};
    Result<void> done;
    switch (job.order) {
    case Order::copy:
        done = co_await run.copy();
        break;
    case Order::verify:
        done = co_await run.verify();
        break;
    case Order::check:
        done = co_await run.check();
        break;
    case Order::archive:
    case Order::restore:
        done = co_await run_archive(self, job.order, run);
        break;
    }
    self.end_job(job, done);
    self.dispatch();
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

void Backfill::end_job(const Job& job, const Result<void>& done) {
    const std::lock_guard lock{mutex_};
    Entry& entry = entries_.at(job.name);
    --running_;
    entry.status.ended_at = parts_.clock.now();
    const PassCounts& counts = entry.status.counts;
    if (done) {
        entry.is_busy = false;
        entry.status.phase = AccountPhase::idle;
        log.info(
            "account_done",
            {{"account", job.name},
             {"order", to_text(job.order)},
             {"pass", entry.status.pass},
             {"copied", counts.copied},
             {"octets", counts.octets},
             {"refused", counts.refused},
             {"unreadable", counts.unreadable}}
        );
        return;
    }
    if (is_paused_ && !is_stopping_) {
        entry.status.phase = AccountPhase::waiting;
        jobs_.push_front(job);
        return;
    }
    entry.is_busy = false;
    entry.status.phase = AccountPhase::failed;
    entry.status.words = done.error().message();
    log.warn("account_failed", {{"account", job.name}, {"reason", entry.status.words}});
}

awaitable<Result<FolderPlan>> Backfill::plan(std::string name) {
    Account account;
    {
        const std::lock_guard lock{mutex_};
        const auto entry = entries_.find(name);
        if (entry == entries_.end() || !entry->second.is_listed) {
            co_return Error{Errc::not_found, fmt::format("there is no account {}", escape(name))};
        }
        account = entry->second.account;
    }
    AccountRun::Needs needs = needs_of(account);
    AccountRun run{std::move(account), std::move(needs)};
    auto plan = co_await run.plan();
    co_return plan;
}

Result<void> Backfill::start() {
    return tasks_.spawn(keep_following(*this));
}

// Also begins what a quiet hour has kept waiting.
awaitable<void> Backfill::keep_following(Backfill& self) {
    auto executor = co_await net::asio::this_coro::executor;
    net::asio::steady_timer timer{executor};
    for (;;) {
        timer.expires_after(follow_look);
        const auto [code] = co_await timer.async_wait(net::use_result);
        if (code) {
            co_return;
        }
        if (self.is_following()) {
            std::vector<std::string> due;
            const auto poll = self.parts_.config.get()->backfill.poll;
            for (const AccountStatus& status : self.status()) {
                const bool is_due = status.phase == AccountPhase::idle &&
                                    self.parts_.clock.now() - status.ended_at >= poll;
                if (is_due) {
                    due.push_back(status.name);
                }
            }
            if (!due.empty()) {
                static_cast<void>(self.order(Order::copy, due));
            }
        }
        self.dispatch();
    }
}

awaitable<void> Backfill::stop() {
    {
        const std::lock_guard lock{mutex_};
        is_stopping_ = true;
        jobs_.clear();
    }
    tasks_.cancel();
    co_await tasks_.join();
}

}  // namespace siding::backfill

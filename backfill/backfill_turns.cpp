// Backfill: whose turn it is. An order begins when there are permits for its connections, and one
// that has to wait for something lets the others by.
#include "backfill/backfill.hpp"
#include "backfill/limits.hpp"
#include "backfill/quiet_hours.hpp"
#include "base/bytes.hpp"
#include "base/log.hpp"

#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <fmt/format.h>
#include <utility>

namespace siding::backfill {
namespace {

using namespace std::chrono_literals;
using net::awaitable;

const Logger log{"backfill"};

// Orders that are looked at in vain at one go: the next look goes on behind them.
constexpr std::size_t looks_max = 256;
constexpr std::chrono::milliseconds look_again = 1s;
// A look that somebody waits for, such as a plan.
constexpr std::chrono::milliseconds patience = 20s;

// Messages that count for the budgets; what a verification reads does not.
bool reads_source(Order order) {
    return order == Order::copy || order == Order::archive;
}

bool fills_destination(Order order) {
    return order == Order::copy || order == Order::restore || order == Order::retry;
}

bool uses_source(Order order) {
    return order != Order::restore;
}

bool uses_destination(Order order) {
    return order != Order::archive;
}

// Time may mend it.
bool may_pass(const Error& error) {
    return !error.is(Errc::conflict) && !error.is(Errc::storage_failure) &&
           !error.is(Errc::corrupt) && !error.is(Errc::invalid_argument);
}

}  // namespace

config::ImapServer Backfill::server(Side side) const {
    const auto config = parts_.config.get();
    return side == Side::source ? config->backfill.source : config->backfill.destination;
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

// What one account may have of the connections, as many accounts as are at work now: its share of
// the memory goes by it, too.
std::size_t Backfill::pairs() const {
    const auto config = parts_.config.get();
    const config::Backfill& settings = config->backfill;
    const std::size_t connections = std::min<std::size_t>(
        settings.source.connections -
            std::min<std::size_t>(settings.source.connections, watches_.count()),
        settings.destination.connections
    );
    std::size_t accounts = 1;
    {
        const std::lock_guard lock{mutex_};
        accounts = std::clamp<std::size_t>(running_ + jobs_.size(), 1, accounts_at_once());
    }
    return std::clamp<std::size_t>(connections / accounts, 1, limits::pairs_max);
}

std::optional<WallTime> Backfill::quiet_until() const {
    const auto config = parts_.config.get();
    const auto& quiet = config->backfill.quiet_hours;
    return quiet.empty() ? std::nullopt
                         : backfill::quiet_until(quiet, parts_.clock.now(), local_minute_of_day);
}

AccountPace::Order Backfill::pace_of(const Account& account, Order order) {
    AccountPace::Order pace;
    pace.account = account.name;
    pace.places = places_of(account, order);
    pace.reads_source = reads_source(order);
    pace.fills_destination = fills_destination(order);
    pace.on_work = [this, name = account.name](std::uint64_t octets, std::uint64_t messages) {
        on_work(name, octets, messages);
    };
    return pace;
}

std::vector<Place> Backfill::places_of(const Account& account, Order order) {
    std::vector<Place> places;
    if (uses_source(order)) {
        places.push_back(place_of(account.source));
        places.back().side = Side::source;
    }
    if (uses_destination(order)) {
        places.push_back(place_of(account.destination));
        places.back().side = Side::destination;
    }
    return places;
}

void Backfill::dispatch() {
    const std::lock_guard lock{mutex_};
    const std::size_t at_once = accounts_at_once();
    const WallTime now = parts_.clock.now();
    const auto quiet = quiet_until();
    std::size_t looks = 0;
    for (auto job = jobs_.begin(); job != jobs_.end();) {
        if (standing_.paused || is_stopping_ || running_ >= at_once || looks >= looks_max) {
            return;
        }
        if (job->not_before > now) {
            ++job;
            continue;
        }
        Entry& entry = entries_.at(job->name);
        auto hold = quiet ? std::optional{Hold{quiet, quiet_words(*quiet)}} : budget_hold(*job);
        if (hold) {
            put_off(*job, std::move(*hold));
            ++looks;
            ++job;
            continue;
        }
        Governor::Taken taken =
            governor_.take(places_of(entry.account, job->given.order), Governor::Use::first);
        if (!taken.permit) {
            put_off(*job, Hold{taken.denial.until, std::move(taken.denial.words)});
            ++looks;
            ++job;
            continue;
        }
        entry.status.hold.reset();
        entry.was_told_to_stop = false;
        Job next = std::move(*job);
        next.permit = std::move(taken.permit);
        job = jobs_.erase(job);
        Account account = entry.account;
        const std::string account_name = account.name;
        auto task = run(*this, std::move(next), std::move(account));
        const auto spawned = tasks_.spawn_on(parts_.runtime.next_io(), std::move(task));
        if (!spawned) {
            log.error("account_not_started", {{"reason", spawned.error()}});
            entry.status.words = spawned.error().message();
            end_order(entry, account_name, AccountPhase::failed);
            return;
        }
        ++running_;
        entry.is_running = true;
    }
}

std::optional<Hold> Backfill::budget_hold(const Job& job) const {
    for (const Side side : {Side::source, Side::destination}) {
        const bool counts = side == Side::source ? reads_source(job.given.order)
                                                 : fills_destination(job.given.order);
        if (auto reached = counts ? budget_.reached(side, job.name) : std::nullopt) {
            return Hold{reached->until, std::move(reached->words)};
        }
    }
    return std::nullopt;
}

// For a little while only, whatever it waits for: a new configuration may let it go. The mutex is
// held.
void Backfill::put_off(Job& job, Hold hold) {
    job.not_before = parts_.clock.now() + look_again;
    job.waits_for_turn = !hold.until;
    AccountStatus& status = entries_.at(job.name).status;
    status.phase = AccountPhase::waiting;
    status.hold = std::move(hold);
}

void Backfill::end_job(Job job, const Result<void>& done, const std::optional<Hold>& hold) {
    const std::lock_guard lock{mutex_};
    Entry& entry = entries_.at(job.name);
    --running_;
    entry.is_running = false;
    for (Job& other : jobs_) {
        other.not_before = other.waits_for_turn ? WallTime{} : other.not_before;
    }
    entry.status.ended_at = parts_.clock.now();
    entry.status.hold.reset();
    const PassCounts& counts = entry.status.counts;
    if (done) {
        if (job.given.order == Order::copy) {
            measured_.messages += counts.copied;
            measured_.octets += counts.octets;
            measured_.spent += entry.status.ended_at - entry.status.started_at;
        }
        log.info(
            "account_done",
            {{"account", job.name},
             {"order", to_text(job.given.order)},
             {"pass", entry.status.pass},
             {"copied", counts.copied},
             {"octets", counts.octets},
             {"refused", counts.refused},
             {"unreadable", counts.unreadable}}
        );
        end_order(entry, job.name, AccountPhase::idle);
        return;
    }
    const bool was_paused = standing_.paused || entry.was_told_to_stop;
    if (!is_stopping_ && (was_paused || hold) && may_pass(done.error())) {
        job.is_resumed = true;
        entry.status.phase = AccountPhase::waiting;
        if (hold) {
            log.info("account_waits", {{"account", job.name}, {"reason", hold->words}});
            put_off(job, *hold);
        }
        jobs_.push_front(std::move(job));
        return;
    }
    if (is_stopping_ && may_pass(done.error())) {
        log.info(
            "account_interrupted", {{"account", job.name}, {"order", to_text(job.given.order)}}
        );
        return;
    }
    entry.status.words = done.error().message();
    log.warn("account_failed", {{"account", job.name}, {"reason", entry.status.words}});
    // What is not there is the order's fault, and the account's no more than before.
    const bool is_about_nothing =
        done.error().is(Errc::not_found) &&
        (job.given.order == Order::retry || job.given.order == Order::restore);
    end_order(entry, job.name, is_about_nothing ? AccountPhase::idle : AccountPhase::failed);
}

awaitable<Result<Governor::Permit>> Backfill::wait_for_turn(
    Backfill& self, const Account& account
) {
    auto executor = co_await net::asio::this_coro::executor;
    net::asio::steady_timer timer{executor};
    const WallTime until = self.parts_.clock.now() + patience;
    for (;;) {
        std::vector<Place> places = places_of(account, Order::check);
        Governor::Taken taken = self.governor_.take(std::move(places), Governor::Use::first);
        if (taken.permit) {
            co_return std::move(taken.permit);
        }
        if (taken.denial.until || self.parts_.clock.now() >= until) {
            co_return Error{Errc::unavailable, taken.denial.words};
        }
        timer.expires_after(100ms);
        const auto [code] = co_await timer.async_wait(net::use_result);
        if (code) {
            co_return Error{Errc::unavailable, taken.denial.words};
        }
    }
}

void Backfill::on_work(const std::string& name, std::uint64_t octets, std::uint64_t messages) {
    const std::lock_guard lock{mutex_};
    const WallTime now = parts_.clock.now();
    Entry& entry = entries_.at(name);
    const auto note = [&](RateMeter& meter, double& last) {
        meter.add(octets, messages, now);
        if (const double rate = meter.now(now).octets; rate > 0) {
            last = rate;
        }
    };
    note(entry.meter, entry.last_rate);
    note(meter_, last_rate_);
}

}  // namespace siding::backfill

#include "backfill/account_pace.hpp"

#include "backfill/limits.hpp"
#include "net/run_on.hpp"

#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <fmt/format.h>
#include <utility>

namespace siding::backfill {
namespace {

using namespace std::chrono_literals;
using net::awaitable;

constexpr std::chrono::milliseconds report_interval = 100ms;
constexpr std::chrono::milliseconds look_interval = 100ms;
constexpr std::chrono::milliseconds store_interval = 1s;

}  // namespace

std::string quiet_words(WallTime until) {
    return "quiet hours; goes on at " + format_time(until).substr(11, 5) + " UTC";
}

AccountPace::AccountPace(const Process& process, Order order)
    : process_{process}, order_{std::move(order)} {}

Governor::Taken AccountPace::take_more() const {
    return process_.governor.take(order_.places, Governor::Use::more);
}

Governor::Connection AccountPace::on_let_in(const Login& login) {
    refusal_.clear();
    return process_.governor.on_let_in(place_of(login));
}

Trouble AccountPace::on_login_refused(const Login& login, Trouble trouble, std::string_view words) {
    trouble = process_.governor.on_login_refused(place_of(login), trouble, words);
    if (trouble == Trouble::too_many_connections) {
        refusal_ = words;
    }
    return trouble;
}

std::optional<Hold> AccountPace::look_at_budgets() const {
    const auto reached = [&](Side side, std::uint64_t pending) -> std::optional<Hold> {
        const auto bound = process_.budget.reached(side, order_.account, pending);
        return bound ? std::optional{Hold{bound->until, bound->words}} : std::nullopt;
    };
    if (order_.reads_source) {
        if (auto hold = reached(Side::source, 0)) {
            return hold;
        }
    }
    if (order_.fills_destination) {
        if (auto hold = reached(Side::destination, pending_)) {
            return hold;
        }
    }
    return std::nullopt;
}

std::optional<Hold> AccountPace::look_at_wishes() const {
    if (const auto until = process_.quiet_until()) {
        return Hold{until, quiet_words(*until)};
    }
    const auto rest = process_.governor.rest(order_.places);
    if (rest && rest->until - process_.clock.now() > short_wait) {
        return Hold{rest->until, rest->words};
    }
    return std::nullopt;
}

Result<void> AccountPace::check() {
    auto hold = look_at_budgets();
    is_gentle_ = is_gentle_ || hold.has_value();
    const WallTime now = process_.clock.now();
    if (!hold && now - looked_at_ >= look_interval) {
        looked_at_ = now;
        hold = look_at_wishes();
    }
    if (hold) {
        held_ = std::move(hold);
    }
    if (held_) {
        return Error{Errc::unavailable, held_->words};
    }
    return {};
}

void AccountPace::on_taken(std::uint64_t octets, bool is_sent) {
    pending_ -= std::min(octets, pending_);
    if (is_sent) {
        process_.budget.spend(Side::destination, order_.account, octets);
    }
}

void AccountPace::report_work() {
    for (const Place& place : order_.places) {
        process_.governor.on_work(place, octets_, messages_);
    }
    if (order_.on_work) {
        order_.on_work(octets_, messages_);
    }
    octets_ = 0;
    messages_ = 0;
}

awaitable<void> AccountPace::on_message(std::uint64_t octets) {
    if (order_.reads_source) {
        process_.budget.spend(Side::source, order_.account, octets);
    }
    if (order_.fills_destination) {
        pending_ += octets;
    }
    octets_ += octets;
    ++messages_;
    const WallTime now = process_.clock.now();
    if (now - reported_at_ >= report_interval) {
        reported_at_ = now;
        report_work();
    }
    if (now - stored_at_ >= store_interval && !is_storing_) {
        // A ledger that fails ends the process, whoever hears of it first.
        static_cast<void>(co_await store());
    }
}

awaitable<void> AccountPace::carry(std::uint64_t octets) {
    co_await process_.bandwidth.spend(octets);
}

awaitable<Result<void>> AccountPace::store() {
    is_storing_ = true;
    auto write = [this] { return process_.budget.store(order_.account); };
    auto stored = co_await net::run_on(process_.blocking, write);
    stored_at_ = process_.clock.now();
    is_storing_ = false;
    co_return stored;
}

bool AccountPace::hold_for_turn() {
    if (refusal_.empty()) {
        return false;
    }
    held_ = Hold{std::nullopt, std::move(refusal_)};
    return true;
}

awaitable<bool> AccountPace::wait_as_asked() {
    looked_at_ = {};
    if (!check()) {
        co_return false;
    }
    const auto rest = process_.governor.rest(order_.places);
    if (!rest) {
        co_return false;
    }
    auto executor = co_await net::asio::this_coro::executor;
    net::asio::steady_timer timer{executor};
    timer.expires_after(std::max<std::chrono::milliseconds>(rest->until - process_.clock.now(), 1ms)
    );
    const auto [code] = co_await timer.async_wait(net::use_result);
    co_return !code;
}

awaitable<Result<void>> AccountPace::open() {
    auto load = [this] { return process_.budget.load(order_.account); };
    SIDING_CO_TRY(co_await net::run_on(process_.blocking, load));
    co_return check();
}

awaitable<Result<void>> AccountPace::close() {
    first_.give_back();
    report_work();
    auto stored = co_await store();
    co_return stored;
}

}  // namespace siding::backfill

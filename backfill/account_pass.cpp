#include "backfill/account_pass.hpp"

#include "base/bytes.hpp"
#include "net/task_group.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace siding::backfill {
namespace {

using net::awaitable;

// Another pair logs in twice: for a few messages that is not worth its time.
constexpr std::uint64_t messages_worth_a_pair = 200;
constexpr unsigned failures_max = 3;  // of one more pair, to be opened
constexpr std::chrono::milliseconds rest_time{200};

}  // namespace

AccountPass::AccountPass(Needs needs, std::vector<std::unique_ptr<MailboxPass>> mailboxes)
    : needs_{std::move(needs)}, mailboxes_{std::move(mailboxes)} {}

awaitable<Result<void>> AccountPass::run() {
    SIDING_CO_TRY(co_await look());
    take_turns();
    auto executor = co_await net::asio::this_coro::executor;
    const std::size_t pairs = pairs_worth();
    net::TaskGroup others{executor, "pairs", std::max<std::size_t>(pairs, 1)};
    for (std::size_t pair = 1; pair < pairs; ++pair) {
        SIDING_CO_TRY(others.spawn(work(*this)));
    }
    auto copied = co_await copy(needs_.first);
    if (!copied) {
        fail(copied.error());
    }
    is_over_ = true;
    for (net::asio::steady_timer* timer : resting_) {
        timer->cancel();
    }
    co_await others.join();
    if (!failure_ && !turns_.empty()) {  // left by a pair that has given way to another account
        SIDING_CO_TRY(co_await copy(needs_.first));
    }
    if (failure_) {
        co_return *failure_;
    }
    co_return Result<void>{};
}

awaitable<Result<void>> AccountPass::look() {
    for (const auto& mailbox : mailboxes_) {
        if (needs_.is_stopping()) {
            co_return Error{Errc::unavailable, "stopped; what is copied is in the ledger"};
        }
        SIDING_CO_TRY(co_await mailbox->look(needs_.first));
        has_found_gone_ = has_found_gone_ || mailbox->counts().gone > 0;
        const PassCounts looked = mailbox->counts();
        needs_.update([&looked](AccountStatus& status) { status.counts += looked; });
    }
    co_return Result<void>{};
}

std::size_t AccountPass::pairs_worth() const {
    std::uint64_t messages = 0;
    std::size_t mailboxes = 0;
    for (const auto& mailbox : mailboxes_) {
        if (!mailbox->is_untouched() && mailbox->messages_expected() > 0) {
            messages += mailbox->messages_expected();
            ++mailboxes;
        }
    }
    const std::size_t worth = 1 + static_cast<std::size_t>(messages / messages_worth_a_pair);
    return std::min({needs_.pairs_max, mailboxes, worth});
}

awaitable<void> AccountPass::work(AccountPass& self) {
    // One pair is enough: a server that takes no more connections is no failure.
    for (unsigned failures = 0; failures < failures_max && self.has_turn();) {
        Sessions sessions;
        auto opened = co_await self.needs_.open(sessions);
        if (!opened) {
            failures += opened.error().is(Errc::limit_exceeded) ? 0 : 1;
            sessions = {};
            co_await rest(self);
            continue;
        }
        const MailboxPass::Pair pair{*sessions.source, *sessions.destination};
        auto copied = co_await self.copy(pair, &sessions.permit);
        if (!copied) {
            self.fail(copied.error());
        }
        co_await sessions.source->close();
        co_await sessions.destination->close();
    }
}

awaitable<void> AccountPass::rest(AccountPass& self) {
    auto executor = co_await net::asio::this_coro::executor;
    net::asio::steady_timer timer{executor, rest_time};
    self.resting_.insert(&timer);
    static_cast<void>(co_await timer.async_wait(net::use_result));
    self.resting_.erase(&timer);
}

bool AccountPass::has_turn() const {
    return !failure_ && !is_over_ && !needs_.is_stopping() &&
           std::ranges::any_of(turns_, [this](const Turn& turn) { return may_take(turn); });
}

bool AccountPass::may_take(const Turn& turn) const {
    const bool is_place_busy = std::ranges::any_of(busy_, [&turn](const MailboxPass* busy) {
        return busy->record().destination == turn.mailbox->record().destination;
    });
    return !is_place_busy && (!turn.mailbox->row().is_rest || busy_.empty());
}

// What is only in no other mailbox comes behind all of them, whole.
void AccountPass::take_turns() {
    std::vector<Turn> second;
    std::vector<Turn> rest;
    for (const auto& mailbox : mailboxes_) {
        const auto recent = needs_.recent.find(mailbox->row().source);
        const Turn whole{mailbox.get(), nullptr, true};
        if (mailbox->row().is_rest) {
            rest.push_back(whole);
        } else if (recent == needs_.recent.end() || recent->second.is_all) {
            turns_.push_back(whole);
        } else {
            if (!recent->second.uids.empty()) {
                turns_.push_back(Turn{mailbox.get(), &recent->second.uids, false});
            }
            second.push_back(whole);
        }
    }
    turns_.insert(turns_.end(), second.begin(), second.end());
    turns_.insert(turns_.end(), rest.begin(), rest.end());
}

// Nothing where what is left has to wait for another pair: that one will take it.
std::optional<AccountPass::Turn> AccountPass::next_turn() {
    const auto next =
        std::ranges::find_if(turns_, [this](const Turn& turn) { return may_take(turn); });
    if (next == turns_.end()) {
        return std::nullopt;
    }
    const Turn turn = *next;
    turns_.erase(next);
    busy_.insert(turn.mailbox);
    return turn;
}

awaitable<Result<void>> AccountPass::copy(
    const MailboxPass::Pair& pair, const Governor::Permit* permit
) {
    while (!failure_ && (permit == nullptr || !permit->is_wanted_elsewhere())) {
        if (needs_.is_stopping() && !turns_.empty()) {
            co_return Error{Errc::unavailable, "stopped; what is copied is in the ledger"};
        }
        const std::optional<Turn> turn = next_turn();
        if (!turn) {
            break;
        }
        MailboxPass& mailbox = *turn->mailbox;
        needs_.update([&](AccountStatus& status) { status.mailbox = mailbox.row().source; });
        const bool has_gone = needs_.has_gone_messages || has_found_gone_;
        const MailboxPass::Part part{has_gone, turn->only};
        auto copied = co_await mailbox.copy(pair, part);
        busy_.erase(&mailbox);
        if (!copied) {
            co_return with_context(std::move(copied).error(), escape(mailbox.row().source));
        }
        if (turn->is_last) {
            needs_.update([](AccountStatus& status) { ++status.mailboxes_done; });
        }
    }
    co_return Result<void>{};
}

void AccountPass::fail(const Error& error) {
    if (!failure_) {
        failure_ = error;
    }
}

}  // namespace siding::backfill

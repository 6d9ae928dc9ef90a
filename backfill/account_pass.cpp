#include "backfill/account_pass.hpp"

#include "base/bytes.hpp"
#include "net/task_group.hpp"

#include <algorithm>
#include <utility>

namespace siding::backfill {
namespace {

using net::awaitable;

// Another pair logs in twice: for a few messages that is not worth its time.
constexpr std::uint64_t messages_worth_a_pair = 200;

}  // namespace

AccountPass::AccountPass(Needs needs, std::vector<std::unique_ptr<MailboxPass>> mailboxes)
    : needs_{std::move(needs)}, mailboxes_{std::move(mailboxes)} {}

awaitable<Result<void>> AccountPass::run() {
    SIDING_CO_TRY(co_await look());
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
    co_await others.join();
    if (failure_) {
        co_return *failure_;
    }
    co_return Result<void>{};
}

awaitable<Result<void>> AccountPass::look() {
    for (const auto& mailbox : mailboxes_) {
        SIDING_CO_TRY(co_await mailbox->look(needs_.first));
        has_gone_messages_ = has_gone_messages_ || mailbox->counts().gone > 0;
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
    Sessions sessions;
    auto opened = co_await self.needs_.open(sessions);
    if (!opened) {
        // One pair is enough: a server that takes no more connections is no failure.
        co_return;
    }
    const MailboxPass::Pair pair{*sessions.source, *sessions.destination};
    auto copied = co_await self.copy(pair);
    if (!copied) {
        self.fail(copied.error());
    }
    co_await sessions.source->close();
    co_await sessions.destination->close();
}

awaitable<Result<void>> AccountPass::copy(const MailboxPass::Pair& pair) {
    while (next_ < mailboxes_.size() && !failure_) {
        if (needs_.is_stopping()) {
            co_return Error{Errc::unavailable, "stopped; what is copied is in the ledger"};
        }
        MailboxPass& mailbox = *mailboxes_[next_++];
        needs_.update([&](AccountStatus& status) { status.mailbox = mailbox.row().source; });
        auto copied = co_await mailbox.copy(pair, has_gone_messages_);
        if (!copied) {
            co_return with_context(std::move(copied).error(), escape(mailbox.row().source));
        }
        needs_.update([](AccountStatus& status) { ++status.mailboxes_done; });
    }
    co_return Result<void>{};
}

void AccountPass::fail(const Error& error) {
    if (!failure_) {
        failure_ = error;
    }
}

}  // namespace siding::backfill

// AccountRun: whether a copy is whole, and whether it may be called the last one.
#include "backfill/account_run.hpp"
#include "backfill/final_words.hpp"
#include "base/bytes.hpp"
#include "base/log.hpp"
#include "net/run_on.hpp"

#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <chrono>
#include <fmt/format.h>
#include <utility>

namespace siding::backfill {
namespace {

using net::awaitable;

const Logger log{"backfill"};

constexpr std::chrono::milliseconds stop_look = std::chrono::milliseconds{250};

}  // namespace

awaitable<Result<void>> AccountRun::check_all_copied() {
    std::map<CopyState, std::uint64_t> messages;
    auto count = [this, &messages]() -> Result<void> {
        SIDING_ASSIGN(const auto mailboxes, needs_.ledger.mailboxes(record_.id));
        for (const MailboxRecord& mailbox : mailboxes) {
            SIDING_ASSIGN(const MailboxTotals totals, needs_.ledger.totals(record_.id, mailbox));
            for (const auto& [state, more] : totals.messages) {
                messages[state] += more;
            }
        }
        return {};
    };
    SIDING_CO_TRY(co_await net::run_on(needs_.blocking, count));
    const std::uint64_t excepted = messages[CopyState::refused] + messages[CopyState::unreadable] +
                                   messages[CopyState::intent];
    if (excepted > 0) {
        co_return Error{
            Errc::conflict,
            fmt::format(
                "not final: {} not at the destination; `siding backfill report {}` names them",
                excepted == 1 ? "1 message is" : fmt::format("{} messages are", excepted),
                escape(account_.name)
            )};
    }
    co_return Result<void>{};
}

awaitable<Result<void>> AccountRun::wait_quietly() {
    auto executor = co_await net::asio::this_coro::executor;
    net::asio::steady_timer timer{executor};
    const auto until = std::chrono::steady_clock::now() + options_.quiet;
    while (std::chrono::steady_clock::now() < until) {
        if (needs_.is_stopping()) {
            co_return Error{Errc::unavailable, "stopped in the quiet time of the final pass"};
        }
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
            until - std::chrono::steady_clock::now()
        );
        timer.expires_after(std::clamp(left, std::chrono::milliseconds{1}, stop_look));
        const auto [code] = co_await timer.async_wait(net::use_result);
        if (code) {
            co_return Error{Errc::unavailable, "stopped in the quiet time of the final pass"};
        }
    }
    co_return Result<void>{};
}

// The second look is a pass, too: what it finds is copied by it, and the copy is not final.
awaitable<Result<void>> AccountRun::make_final() {
    SIDING_CO_TRY(co_await check_all_copied());
    co_await close();
    const WallTime since = listed_at_;
    needs_.update([](AccountStatus& status) { status.mailbox = "(nothing may arrive now)"; });
    SIDING_CO_TRY(co_await wait_quietly());
    found_.clear();
    SIDING_CO_TRY(co_await copy_persistently());
    if (!found_.empty()) {
        co_return Error{Errc::conflict, words_of_changes(found_, since)};
    }
    SIDING_CO_TRY(co_await check_all_copied());
    const WallTime now = needs_.clock.now();
    auto keep = [this, now] {
        return needs_.ledger.put_value(record_.id, final_key, format_time(now));
    };
    SIDING_CO_TRY(co_await net::run_on(needs_.blocking, keep));
    needs_.update([now](AccountStatus& status) { status.final_at = now; });
    log.info("account_final", {{"account", account_.name}, {"pass", record_.pass}});
    co_return Result<void>{};
}

// What a pass has found makes an earlier final one void.
awaitable<Result<void>> AccountRun::note_found() {
    if (found_.empty()) {
        co_return Result<void>{};
    }
    auto forget = [this]() -> Result<void> {
        SIDING_ASSIGN(const auto kept, needs_.ledger.value(record_.id, final_key));
        return !kept || kept->empty() ? Result<void>{}
                                      : needs_.ledger.put_value(record_.id, final_key, "");
    };
    SIDING_CO_TRY(co_await net::run_on(needs_.blocking, forget));
    needs_.update([](AccountStatus& status) { status.final_at = {}; });
    co_return Result<void>{};
}

awaitable<Result<void>> AccountRun::count_known() {
    std::uint64_t copied = 0;
    std::uint64_t refused = 0;
    std::uint64_t unreadable = 0;
    auto count = [this, &copied, &refused, &unreadable]() -> Result<void> {
        SIDING_ASSIGN(const auto mailboxes, needs_.ledger.mailboxes(record_.id));
        for (const MailboxRecord& mailbox : mailboxes) {
            SIDING_ASSIGN(const MailboxTotals totals, needs_.ledger.totals(record_.id, mailbox));
            for (const auto& [state, messages] : totals.messages) {
                if (state == CopyState::copied) {
                    copied += messages;
                } else if (state == CopyState::refused) {
                    refused += messages;
                } else if (state == CopyState::unreadable) {
                    unreadable += messages;
                }
            }
        }
        return {};
    };
    SIDING_CO_TRY(co_await net::run_on(needs_.blocking, count));
    needs_.update([&](AccountStatus& status) {
        status.known_messages = copied;
        status.known_refused = refused;
        status.known_unreadable = unreadable;
        status.is_clean = refused + unreadable == 0;
        status.mailbox.clear();
    });
    co_return Result<void>{};
}

}  // namespace siding::backfill

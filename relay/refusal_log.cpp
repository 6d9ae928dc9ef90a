#include "relay/refusal_log.hpp"

#include "base/log.hpp"

#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <utility>

namespace siding::relay {
namespace {

const Logger log{"smtpd"};

// A line of the ledger is for ever: longer values are cut.
constexpr std::size_t text_octets_max = 256;

std::string cut(std::string_view text) {
    return std::string{text.substr(0, text_octets_max)};
}

}  // namespace

void RefusalLog::note(RefusalClass reason, const RefusalExample& example) {
    const std::lock_guard lock{mutex_};
    queue::Refusal& noted = noted_[static_cast<std::size_t>(reason)];
    if (noted.count++ == 0) {
        noted.reason = format_refusal_class(reason);
        noted.client_address = cut(example.client_address);
        noted.sender = cut(example.sender);
        noted.recipient = cut(example.recipient);
        noted.reply = cut(example.reply);
    }
}

net::awaitable<void> RefusalLog::run() {
    net::asio::steady_timer timer{co_await net::asio::this_coro::executor};
    for (bool stopping = false; !stopping;) {
        timer.expires_after(interval_);
        static_cast<void>(co_await timer.async_wait(net::use_result));
        co_await write();
        const auto state = co_await net::asio::this_coro::cancellation_state;
        stopping = state.cancelled() != net::asio::cancellation_type::none;
    }
    co_await write();  // what came while the last change was written
}

net::awaitable<void> RefusalLog::write() {
    const auto written = co_await flush();
    if (!written) {
        log.warn("refusals_not_recorded", {{"reason", written.error()}});
    }
}

net::awaitable<Result<void>> RefusalLog::flush() {
    queue::RecordRefusals change;
    change.refusals = take();
    if (change.refusals.empty()) {
        co_return Result<void>{};
    }
    const std::vector<queue::Refusal> kept = change.refusals;
    queue::Change boxed{std::move(change)};
    const auto applied = co_await queue_.commit(std::move(boxed));
    if (!applied) {
        give_back(kept);
        co_return applied.error();
    }
    co_return Result<void>{};
}

std::vector<queue::Refusal> RefusalLog::take() {
    std::vector<queue::Refusal> refusals;
    const std::lock_guard lock{mutex_};
    for (queue::Refusal& noted : noted_) {
        if (noted.count > 0) {
            refusals.push_back(std::exchange(noted, {}));
        }
    }
    return refusals;
}

void RefusalLog::give_back(const std::vector<queue::Refusal>& refusals) {
    const std::lock_guard lock{mutex_};
    for (const queue::Refusal& refusal : refusals) {
        const auto is_it = [&refusal](std::string_view name) { return name == refusal.reason; };
        const auto name =
            std::find_if(refusal_class_names.begin(), refusal_class_names.end(), is_it);
        queue::Refusal& noted =
            noted_[static_cast<std::size_t>(name - refusal_class_names.begin())];
        const std::uint64_t since = noted.count;
        noted = refusal;
        noted.count += since;
    }
}

}  // namespace siding::relay

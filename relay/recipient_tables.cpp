#include "relay/recipient_tables.hpp"

#include "net/run_on.hpp"

#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/cancellation_type.hpp>
#include <boost/asio/steady_timer.hpp>

#include <fmt/format.h>
#include <malloc.h>
#include <utility>

namespace siding::relay {

RecipientTables::RecipientTables(
    net::asio::any_io_executor blocking,
    const config::Live& config,
    Metrics& metrics,
    std::chrono::milliseconds look_interval
)
    : blocking_{std::move(blocking)},
      config_{config},
      look_interval_{look_interval},
      sources_{metrics} {}

Result<void> RecipientTables::load_first() {
    load(RecipientSources::When::now);
    const auto failures = sources_.failures();
    if (failures.empty()) {
        return {};
    }
    const std::string others =
        failures.size() == 1 ? "" : fmt::format(" (and {} more files)", failures.size() - 1);
    return Error{
        failures.front().code,
        fmt::format(
            "recipients: {}{}; put the file in order, or take it out of `domains`",
            failures.front().context,
            others
        )};
}

net::awaitable<void> RecipientTables::watch() {
    net::asio::steady_timer timer{co_await net::asio::this_coro::executor};
    const auto state = co_await net::asio::this_coro::cancellation_state;
    while (state.cancelled() == net::asio::cancellation_type::none) {
        timer.expires_after(look_interval_);
        const auto [code] = co_await timer.async_wait(net::use_result);
        if (code) {
            co_return;
        }
        auto work = [this] {
            load(RecipientSources::When::once_quiet);
            return true;
        };
        co_await net::run_on(blocking_, work);
    }
}

net::awaitable<void> RecipientTables::refresh() {
    auto work = [this] {
        load(RecipientSources::When::now);
        return true;
    };
    co_await net::run_on(blocking_, work);
}

std::shared_ptr<const RecipientTable> RecipientTables::get() const {
    const std::lock_guard lock{mutex_};
    return current_;
}

void RecipientTables::load(RecipientSources::When when) {
    const std::lock_guard one_at_a_time{loading_};
    const auto config = config_.get();
    const bool changed = sources_.look(*config, when);
    if (!changed && config == loaded_for_) {
        return;
    }
    auto domains = sources_.make_domains(*config, *get());
    auto next = std::make_shared<const RecipientTable>(std::move(domains));
    loaded_for_ = config;
    {
        const std::lock_guard lock{mutex_};
        current_.swap(next);
    }
    next.reset();
    // The heaps of the blocking threads would each keep the peak of a load.
    ::malloc_trim(0);
}

}  // namespace siding::relay

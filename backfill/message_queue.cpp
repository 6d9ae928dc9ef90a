#include "backfill/message_queue.hpp"

#include <utility>

namespace siding::backfill {
namespace {

// Of an empty or small message its row in memory counts.
constexpr std::uint64_t message_octets = 1024;

std::uint64_t weight(const FetchedMessage& message) {
    return message.octets_in_memory() + message_octets;
}

}  // namespace

MessageQueue::MessageQueue(net::asio::any_io_executor executor, std::uint64_t octets_max)
    : changed_{std::move(executor), net::asio::steady_timer::time_point::max()},
      octets_max_{octets_max} {}

net::awaitable<bool> MessageQueue::push(FetchedMessage message) {
    const std::uint64_t octets = weight(message);
    while (!is_stopped_ && !messages_.empty() && octets_ + octets > octets_max_) {
        co_await wait();
    }
    if (is_stopped_) {
        co_return false;
    }
    octets_ += octets;
    messages_.push_back(std::move(message));
    wake();
    co_return true;
}

net::awaitable<std::optional<FetchedMessage>> MessageQueue::pop() {
    while (messages_.empty() && !is_ended_ && !is_stopped_) {
        co_await wait();
    }
    if (messages_.empty() || is_stopped_) {
        co_return std::nullopt;
    }
    std::optional<FetchedMessage> message{std::move(messages_.front())};
    messages_.pop_front();
    octets_ -= weight(*message);
    wake();
    co_return message;
}

void MessageQueue::end() {
    is_ended_ = true;
    wake();
}

void MessageQueue::stop() {
    is_stopped_ = true;
    messages_.clear();
    octets_ = 0;
    wake();
}

net::awaitable<void> MessageQueue::wait() {
    static_cast<void>(co_await changed_.async_wait(net::use_result));
    const auto state = co_await net::asio::this_coro::cancellation_state;
    if (state.cancelled() != net::asio::cancellation_type::none) {
        stop();
    }
}

void MessageQueue::wake() {
    changed_.cancel();
}

}  // namespace siding::backfill

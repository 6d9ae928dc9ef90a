// Messages between the coroutine that fetches and the one that appends, on one executor: at most so
// many octets in memory at a time.
#pragma once

#include "backfill/fetched_message.hpp"
#include "net/asio.hpp"

#include <boost/asio/steady_timer.hpp>

#include <cstdint>
#include <deque>
#include <optional>

namespace siding::backfill {

class MessageQueue {
public:
    MessageQueue(net::asio::any_io_executor executor, std::uint64_t octets_max);

    // Waits for room; a message larger than all of it goes in alone. False after stop().
    net::awaitable<bool> push(FetchedMessage message);
    // Waits for a message; nothing after end(), when all are out, and after stop().
    net::awaitable<std::optional<FetchedMessage>> pop();

    void end();   // nothing more will be pushed
    void stop();  // nobody takes any more

private:
    net::awaitable<void> wait();
    void wake();

    net::asio::steady_timer changed_;
    std::uint64_t octets_max_;
    std::uint64_t octets_ = 0;
    std::deque<FetchedMessage> messages_;
    bool is_ended_ = false;
    bool is_stopped_ = false;
};

}  // namespace siding::backfill

// Bulk moves that an operator orders and waits for: hold, discard, replay. Each walks the filter in
// pages and commits page by page. What is released is the release controller's.
#pragma once

#include "queue/queue.hpp"

#include <boost/asio/awaitable.hpp>

#include <string>

namespace siding::relay {

class Mover {
public:
    explicit Mover(queue::Queue& queue) : queue_{queue} {}

    // Event::hold or Event::discard over every match; answers with the number moved.
    boost::asio::awaitable<Result<std::uint64_t>> move_all(
        queue::Event event, queue::Filter filter, std::string who, std::string why
    );

    // The same for any event: `order` without its recipients. `filter` is what chooses them.
    boost::asio::awaitable<Result<std::uint64_t>> move_all(
        queue::MoveRecipients order, queue::Filter filter
    );

private:
    queue::Queue& queue_;
};

}  // namespace siding::relay

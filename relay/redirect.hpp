// After a flip: queued recipients go where the phases in force send them, to another lane or back
// on hold, also those whose time has not come yet.
#pragma once

#include "queue/queue.hpp"

#include <boost/asio/awaitable.hpp>

#include <functional>
#include <string>
#include <vector>

namespace siding::relay {

// A lane has work, due at `earliest` or later.
using WakeLane = std::function<void(const std::string& server, WallTime earliest)>;

// Those of `rows` that are due on another lane than their route. Whoever has left meanwhile is
// skipped.
boost::asio::awaitable<Result<void>> redirect(
    queue::Queue& queue, std::vector<queue::Recipient> rows, const WakeLane& wake_lane
);

// The same over everything that is due, page by page.
boost::asio::awaitable<Result<void>> redirect_all(queue::Queue& queue, const WakeLane& wake_lane);

}  // namespace siding::relay

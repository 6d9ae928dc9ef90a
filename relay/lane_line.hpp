// One worker of a lane with its connection. Lives in the worker's coroutine, which waits for all
// transactions under way before it ends.
#pragma once

#include "relay/lane.hpp"

namespace siding::relay {

struct Lane::Line {
    explicit Line(net::asio::any_io_executor executor) : wakeup{std::move(executor)} {}

    std::unique_ptr<OutboundSession> session;  // none while it is being opened
    Wakeup wakeup;
    std::size_t under_way = 0;  // transactions that wait for the server
    std::size_t holders = 0;    // coroutines that use the line
    std::size_t sent = 0;       // transactions on this connection
    std::size_t taken = 0;      // of them, those that the server took
    std::size_t refused = 0;    // recipients that it did not take
    bool failed = false;        // its end has been counted
    bool leaving = false;       // one too many: takes no more
    bool stale = false;         // the configuration has another server by now

    std::string peer;  // of the session, kept for outcomes that come after it
    std::string tls;
    std::vector<queue::RecipientOutcome> outcomes;  // not yet recorded
    std::vector<queue::Recipient> rows;             // of them
    bool recording = false;
};

}  // namespace siding::relay

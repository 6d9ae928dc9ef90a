// The inside of a ClientConnection, for its two source files only.
#pragma once

#include "relay/client_connection.hpp"

namespace siding::relay {

// Somebody inside send(), or another call, until its answer is there.
struct ClientConnection::Waiter {
    Waiter(net::asio::any_io_executor executor, smtp::Ticket number)
        : wakeup{std::move(executor)}, ticket{number} {}

    Wakeup wakeup;
    smtp::Ticket ticket;  // 0: the session itself
    OutgoingBody* body = nullptr;
    std::uint64_t octets = 0;
    bool is_done = false;
    std::vector<smtp::Verdict> verdicts = {};
};

}  // namespace siding::relay

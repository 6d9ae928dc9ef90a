// An operator gives recipients up and has their senders told: `siding queue discard --dsn`. Message
// by message, what is due goes on hold first, so that no server hears of it meanwhile; then the
// report is accepted into the queue as a message of its own; then the recipients are discarded. A
// crash in between leaves them held or parked, and the order can be given again.
#pragma once

#include "queue/queue.hpp"
#include "relay/redirect.hpp"

#include <boost/asio/awaitable.hpp>

#include <cstdint>
#include <string>

namespace siding::relay {

struct DsnOrder {
    queue::Filter filter;
    std::string server;    // that takes the reports
    std::string hostname;  // that signs them
    std::string who;
    std::string why;

    // It travels into a coroutine, where an aggregate would be copied wrongly (net/asio.hpp).
    DsnOrder(queue::Filter f, std::string s, std::string h)
        : filter{std::move(f)}, server{std::move(s)}, hostname{std::move(h)} {}
};

struct DsnOutcome {
    std::uint64_t discarded = 0;   // recipients
    std::uint64_t reports = 0;     // messages, one for each message that had somebody to report
    std::uint64_t unreported = 0;  // discarded recipients whose sender is told nothing
    std::uint64_t left = 0;        // messages without a readable envelope: nothing was done
};

// Ends with the first change that the store refuses; what was done before stays done.
boost::asio::awaitable<Result<DsnOutcome>> discard_with_reports(
    queue::Queue& queue, DsnOrder order, const WakeLane& wake_lane
);

}  // namespace siding::relay

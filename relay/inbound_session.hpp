// One client's connection: does what the smtp dialogue says. Octets from the stream go to the
// dialogue as lines, or through the decoder to the queue's intake; the 250 of a message comes from
// a CommitReceipt. Lives on one io thread; holds no protocol decisions.
#pragma once

#include "base/metrics.hpp"
#include "config/live.hpp"
#include "net/stream.hpp"
#include "queue/queue.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

namespace siding::relay {

struct InboundMetrics {
    explicit InboundMetrics(Metrics& metrics);

    Gauge sessions;
    Counter connections;
    Counter messages;
    Counter octets;
    Counter refused;
    Histogram end_of_data;
};

// What every session shares; outlives the sessions' task group.
struct InboundContext {
    queue::Queue& queue;
    const config::Live& config;
    const InboundMetrics& metrics;
    // Something became due on the lane, at `earliest` or later. Thread-safe.
    std::function<void(const std::string& server, WallTime earliest)> wake_lane;
    // What the process can bear, whatever limits.connections says.
    std::size_t connections_max = SIZE_MAX;
};

net::awaitable<void> run_inbound_session(net::Stream stream, const InboundContext& context);

}  // namespace siding::relay

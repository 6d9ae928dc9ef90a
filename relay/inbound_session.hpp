// One client's connection: does what the smtp dialogue says. Octets from the stream go to the
// dialogue as lines, or through a MessageBody to the queue's intake; the 250 of a message comes
// from a CommitReceipt. Lives on one io thread; holds no protocol decisions.
#pragma once

#include "config/live.hpp"
#include "net/stream.hpp"
#include "queue/queue.hpp"
#include "relay/client_limits.hpp"
#include "relay/content_filter.hpp"
#include "relay/inbound_listener.hpp"
#include "relay/recipient_directory.hpp"
#include "relay/refusal_log.hpp"
#include "relay/session_list.hpp"
#include "relay/upstream_pool.hpp"

#include <cstddef>
#include <functional>
#include <string>

namespace siding::relay {

// What every session shares; outlives the sessions' task group.
struct InboundContext {
    queue::Queue& queue;
    const config::Live& config;
    RecipientDirectory& recipients;
    ContentFilter& filter;
    ClientLimits& limits;
    RefusalLog& refusals;
    SessionList& sessions;
    // Something became due on the lane, at `earliest` or later. Thread-safe.
    std::function<void(const std::string& server, WallTime earliest)> wake_lane;
    // What the process can bear, whatever limits.connections says.
    std::size_t connections_max = SIZE_MAX;
    // Where the mail of pass_* phases goes on; null: to the queue, and out from there.
    const UpstreamPools* upstreams = nullptr;
};

// From the connection to its end; `seat` is the client's place (relay/arrival.hpp).
net::awaitable<void> run_inbound_session(
    net::Stream stream,
    ClientLimits::Seat seat,
    const InboundListener& listener,
    const InboundContext& context
);

}  // namespace siding::relay

// A message and what has become of each of its recipients, read from a store: the daemon's, or a
// stopped one's.
#pragma once

#include "queue/store.hpp"

#include <cstdint>
#include <map>

namespace siding::control {

struct MessageView {
    queue::Envelope envelope;
    std::map<std::uint32_t, queue::Recipient> rows;  // those still in the queue
    std::map<std::uint32_t, queue::State> ended;  // delivered or discarded; no others: unreadable
};

// Errc::not_found after its last recipient ended, Errc::corrupt without a readable envelope.
// Blocks.
Result<MessageView> read_message(const queue::Store& store, MessageId id);

}  // namespace siding::control

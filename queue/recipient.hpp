// One recipient as the queue holds it: its state and what a listing shows, without the envelope.
#pragma once

#include "base/domain.hpp"
#include "base/id.hpp"
#include "queue/recipient_state.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace siding::queue {

struct Recipient {
    RecipientId id;
    State state = State::held;
    Domain domain;
    std::string wave;
    std::string address;  // as sent
    std::string sender;   // reverse-path as sent
    std::uint64_t size_octets = 0;

    std::string lane;           // due, in_flight: the server it is queued for
    std::string pinned_server;  // set by `release --to`: wins over the phase until it is held again
    WallTime due_at{};
    std::uint32_t attempts = 0;
    WallTime last_attempt_at{};
    std::string last_reply;        // the server's words or ours, why it waits or is parked
    bool maybe_delivered = false;  // an attempt ended without an answer after the final dot
    std::uint64_t release_id = 0;  // the release job it belongs to, 0 if none
    // Put on hold by an operator by name: only an order that names it (`siding release`) takes it
    // off, a phase does not.
    bool kept = false;
    std::vector<std::string> tags = {};  // of its message
    bool copy = false;                   // a parallel run's: see EnvelopeRecipient
    std::string cause = {};              // parked: why, a key such as "no_such_mailbox"
    WallTime ended_at = {};              // delivered and retained: since when
};

}  // namespace siding::queue

// The state machine of one recipient: the unit of holding. One function, one table; each row of it
// is a row of docs/queue-states.md.
#pragma once

#include "base/result.hpp"

#include <array>
#include <optional>
#include <string_view>

namespace siding::queue {

enum class State {
    held,       // stays until an operator or a phase releases it
    due,        // waits for its time on a lane
    in_flight,  // an attempt is recorded; the peer may have heard of it
    parked,     // refused for good by a server, or unreadable: the operator decides
    delivered,  // end: the server said 250
    discarded,  // end: an operator said so
};

inline constexpr std::array all_states{
    State::held, State::due, State::in_flight, State::parked, State::delivered, State::discarded};

enum class Event {
    release,  // an operator or the release phase lets it go
    hold,     // an operator or the hold phase keeps it
    reroute,  // its phase now leads to another server
    attempt,  // an attempt is about to be made
    deliver,  // 2xx
    defer,    // 4xx, or no answer
    park,     // 5xx, or the octets no longer match their digest
    recover,  // the daemon starts again after a crash during an attempt
    discard,
    replay,  // an operator has a delivered one, as long as it is retained, delivered again
};

// The state after `event`, or nothing where the event makes no sense in that state.
std::optional<State> next_state(State from, Event event);

constexpr bool is_final(State state) {
    return state == State::delivered || state == State::discarded;
}

std::string_view format_state(State state);
Result<State> parse_state(std::string_view text);
std::string_view format_event(Event event);

}  // namespace siding::queue

#include "queue/recipient_state.hpp"

#include "base/bytes.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace siding::queue {
namespace {

struct Transition {
    State from;
    Event event;
    State to;
};

constexpr std::array transitions{
    Transition{State::held, Event::release, State::due},
    Transition{State::held, Event::hold, State::held},  // from now on by name
    Transition{State::held, Event::park, State::parked},
    Transition{State::held, Event::discard, State::discarded},

    Transition{State::due, Event::attempt, State::in_flight},
    Transition{State::due, Event::release, State::due},  // now, instead of at its time
    Transition{State::due, Event::reroute, State::due},
    Transition{State::due, Event::hold, State::held},
    Transition{State::due, Event::park, State::parked},
    Transition{State::due, Event::discard, State::discarded},

    Transition{State::in_flight, Event::deliver, State::delivered},
    Transition{State::in_flight, Event::defer, State::due},
    Transition{State::in_flight, Event::park, State::parked},
    Transition{State::in_flight, Event::recover, State::due},

    Transition{State::parked, Event::release, State::due},
    Transition{State::parked, Event::hold, State::held},
    Transition{State::parked, Event::discard, State::discarded},

    Transition{State::delivered, Event::replay, State::due},
};

}  // namespace

std::optional<State> next_state(State from, Event event) {
    const auto* const found = std::ranges::find_if(transitions, [&](const Transition& row) {
        return row.from == from && row.event == event;
    });
    return found == transitions.end() ? std::nullopt : std::optional{found->to};
}

std::string_view format_state(State state) {
    switch (state) {
    case State::held:
        return "held";
    case State::due:
        return "due";
    case State::in_flight:
        return "in_flight";
    case State::parked:
        return "parked";
    case State::delivered:
        return "delivered";
    case State::discarded:
        return "discarded";
    }
    return "unknown";
}

Result<State> parse_state(std::string_view text) {
    const auto* const found = std::ranges::find(all_states, text, format_state);
    if (found == all_states.end()) {
        return Error{
            Errc::invalid_argument,
            fmt::format(
                "'{}' is not a state; the states are held, due, in_flight, parked, delivered, "
                "discarded",
                escape(text)
            )};
    }
    return *found;
}

std::string_view format_event(Event event) {
    switch (event) {
    case Event::release:
        return "release";
    case Event::hold:
        return "hold";
    case Event::reroute:
        return "reroute";
    case Event::attempt:
        return "attempt";
    case Event::deliver:
        return "deliver";
    case Event::defer:
        return "defer";
    case Event::park:
        return "park";
    case Event::recover:
        return "recover";
    case Event::discard:
        return "discard";
    case Event::replay:
        return "replay";
    }
    return "unknown";
}

}  // namespace siding::queue

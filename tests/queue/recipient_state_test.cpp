#include "queue/recipient_state.hpp"

#include <gtest/gtest.h>

#include <map>
#include <utility>

namespace siding::queue {
namespace {

constexpr std::array all_events{
    Event::release,
    Event::hold,
    Event::reroute,
    Event::attempt,
    Event::deliver,
    Event::defer,
    Event::park,
    Event::recover,
    Event::discard,
};

// All there is; what is not here must not happen.
const std::map<std::pair<State, Event>, State> table{
    {{State::held, Event::release}, State::due},
    {{State::held, Event::park}, State::parked},
    {{State::held, Event::discard}, State::discarded},

    {{State::due, Event::release}, State::due},
    {{State::due, Event::hold}, State::held},
    {{State::due, Event::reroute}, State::due},
    {{State::due, Event::attempt}, State::in_flight},
    {{State::due, Event::park}, State::parked},
    {{State::due, Event::discard}, State::discarded},

    // Nobody may take a message from under an attempt.
    {{State::in_flight, Event::deliver}, State::delivered},
    {{State::in_flight, Event::defer}, State::due},
    {{State::in_flight, Event::park}, State::parked},
    {{State::in_flight, Event::recover}, State::due},

    {{State::parked, Event::release}, State::due},
    {{State::parked, Event::hold}, State::held},
    {{State::parked, Event::discard}, State::discarded},
};

TEST(RecipientState, MovesAsTheTableSays) {
    for (const State from : all_states) {
        for (const Event event : all_events) {
            const auto row = table.find({from, event});
            const auto expected = row == table.end() ? std::nullopt : std::optional{row->second};
            EXPECT_EQ(next_state(from, event), expected)
                << format_state(from) << ' ' << format_event(event);
        }
    }
}

TEST(RecipientState, EndsOnlyByDeliveryAndDiscard) {
    for (const auto& [cause, to] : table) {
        EXPECT_EQ(to == State::delivered, cause.second == Event::deliver);
        EXPECT_EQ(to == State::discarded, cause.second == Event::discard);
        EXPECT_FALSE(is_final(cause.first));
    }
}

TEST(RecipientState, HasNamesThatComeBack) {
    for (const State state : all_states) {
        EXPECT_EQ(parse_state(format_state(state)).value(), state);
    }
    for (const char* text : {"", "Held", "held ", "unknown", "in flight"}) {
        const auto state = parse_state(text);
        ASSERT_FALSE(state) << text;
        EXPECT_TRUE(state.error().is(Errc::invalid_argument));
        EXPECT_NE(state.error().context.find("in_flight"), std::string::npos);
    }
}

}  // namespace
}  // namespace siding::queue

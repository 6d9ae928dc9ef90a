#include "queue/recipient_state.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

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
    Event::replay,
};

// All there is, as the document says it; what is not in there must not happen.
using Table = std::map<std::pair<State, Event>, State>;

// The words between backquotes and bars: "| `held` | release | `due` | …" gives held, release, due.
std::vector<std::string> cells_of(const std::string& line) {
    std::vector<std::string> cells;
    std::istringstream rest{line};
    std::string cell;
    std::getline(rest, cell, '|');
    while (std::getline(rest, cell, '|')) {
        std::erase_if(cell, [](char c) { return c == ' ' || c == '`'; });
        cells.push_back(cell);
    }
    return cells;
}

Table load_table() {
    Table table;
    std::ifstream file{"docs/queue-states.md"};
    std::string line;
    while (std::getline(file, line) && line != "## Transitions") {
    }
    while (std::getline(file, line) && !line.starts_with("## ")) {
        const auto cells = line.starts_with('|') ? cells_of(line) : std::vector<std::string>{};
        const auto from = parse_state(cells.empty() ? "" : cells[0]);
        if (!from) {
            continue;  // prose, the head of the table, an accept
        }
        const auto* const event = std::ranges::find(all_events, cells.at(1), format_event);
        if (event == all_events.end()) {
            ADD_FAILURE() << "no such event: " << line;
            continue;
        }
        const bool is_new =
            table.emplace(std::pair{*from, *event}, parse_state(cells.at(2)).value()).second;
        EXPECT_TRUE(is_new) << "stated twice: " << line;
    }
    return table;
}

TEST(RecipientState, MovesAsTheDocumentSays) {
    const Table table = load_table();
    ASSERT_FALSE(table.empty());
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
    for (const auto& [cause, to] : load_table()) {
        EXPECT_EQ(to == State::delivered, cause.second == Event::deliver);
        EXPECT_EQ(to == State::discarded, cause.second == Event::discard);
        EXPECT_TRUE(!is_final(cause.first) || cause.second == Event::replay);
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

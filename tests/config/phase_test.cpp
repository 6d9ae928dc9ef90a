#include "base/phase.hpp"

#include "config/schema.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace siding {
namespace {

TEST(Phase, RoundTrips) {
    for (const Phase phase : all_phases()) {
        EXPECT_EQ(*parse_phase(format_phase(phase)), phase);
    }
    EXPECT_FALSE(parse_phase("Hold"));
    EXPECT_FALSE(parse_phase(""));
}

TEST(Phase, MovesAreThoseOfTheTable) {
    // One row for each phase to move from, one column for each to move to, in the enum's order.
    const char* const table[] = {
        // prep pass_old hold release pass_new retired
        ".xx.x.",  // prep
        "..x.x.",  // pass_old
        ".x.x..",  // hold: not to pass_new, which would overtake the backlog
        "..x.x.",  // release
        ".xx..x",  // pass_new
        "......",  // retired
    };
    for (std::size_t from = 0; from < all_phases().size(); ++from) {
        for (std::size_t to = 0; to < all_phases().size(); ++to) {
            EXPECT_EQ(is_legal_move(all_phases()[from], all_phases()[to]), table[from][to] == 'x')
                << format_phase(all_phases()[from]) << " to " << format_phase(all_phases()[to]);
        }
    }
}

TEST(Phase, ServersAreNamedWherePhasesSend) {
    EXPECT_EQ(server_of(Phase::pass_old), "old");
    EXPECT_EQ(server_of(Phase::release), "new");
    EXPECT_EQ(server_of(Phase::pass_new), "new");
    EXPECT_EQ(server_of(Phase::hold), std::nullopt);
}

TEST(Phase, TheSchemaKnowsThemAll) {
    const auto choices = config::split_choices(config::find_key("domains.*.phase")->choices);
    EXPECT_TRUE(std::ranges::equal(choices, all_phases(), {}, {}, format_phase));
}

}  // namespace
}  // namespace siding

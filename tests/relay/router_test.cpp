#include "relay/router.hpp"

#include <gtest/gtest.h>

namespace siding::relay {
namespace {

struct Case {
    std::optional<Phase> phase;
    const char* pinned;
    std::optional<std::string> expected;
};

TEST(Router, GoesByThePhaseUnlessPinned) {
    const std::vector<Case> cases{
        {Phase::prep, "", std::nullopt},
        {Phase::pass_old, "", "old"},
        {Phase::hold, "", std::nullopt},
        {Phase::release, "", "new"},
        {Phase::pass_new, "", "new"},
        {Phase::retired, "", std::nullopt},
        {std::nullopt, "", std::nullopt},     // a wave that nobody knows: it stays
        {Phase::hold, "archive", "archive"},  // the operator said `release --to`
        {Phase::pass_new, "old", "old"},      // whatever the phase says
        {std::nullopt, "archive", "archive"},
    };
    const Domain domain = Domain::parse("example.com").value();
    for (const Case& one : cases) {
        queue::PhaseTable phases;
        if (one.phase) {
            phases.phases[{"example.com", "pilot"}] = *one.phase;
        }
        EXPECT_EQ(route(phases, domain, "pilot", one.pinned), one.expected)
            << (one.phase ? format_phase(*one.phase) : "none") << " " << one.pinned;
    }
}

TEST(Router, AsksForTheWaveNotTheDomain) {
    queue::PhaseTable phases;
    phases.phases[{"example.com", "default"}] = Phase::pass_old;
    phases.phases[{"example.com", "pilot"}] = Phase::pass_new;
    const Domain domain = Domain::parse("example.com").value();
    EXPECT_EQ(route(phases, domain, "default", {}), "old");
    EXPECT_EQ(route(phases, domain, "pilot", {}), "new");
    EXPECT_EQ(route(phases, Domain::parse("example.org").value(), "pilot", {}), std::nullopt);
}

}  // namespace
}  // namespace siding::relay

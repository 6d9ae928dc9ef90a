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

TEST(Router, NewMailGoesByThePhase) {
    using Way = Destination::Way;
    struct NewMailCase {
        std::optional<Phase> phase;
        bool may_pass;
        Way way;
        const char* server;
    };
    const std::vector<NewMailCase> cases{
        {Phase::pass_old, true, Way::pass, "old"},
        {Phase::pass_new, true, Way::pass, "new"},
        {Phase::pass_old, false, Way::queue, "old"},  // pass_through.enabled: false
        {Phase::hold, true, Way::hold, ""},
        {Phase::release, true, Way::hold, ""},  // behind the backlog
        {Phase::prep, true, Way::hold, ""},     // refused before
        {std::nullopt, true, Way::hold, ""},
    };
    const Domain domain = Domain::parse("example.com").value();
    for (const NewMailCase& one : cases) {
        queue::PhaseTable phases;
        if (one.phase) {
            phases.phases[{"example.com", "pilot"}] = *one.phase;
        }
        const Destination destination = route_new(phases, domain, "pilot", one.may_pass);
        const std::string_view name = one.phase ? format_phase(*one.phase) : "none";
        EXPECT_EQ(destination.way, one.way) << name;
        EXPECT_EQ(destination.server, one.server) << name;
        EXPECT_EQ(destination.copy, "") << name;
    }
}

TEST(Router, OnlyWhatPassesIsCopied) {
    const Domain domain = Domain::parse("example.com").value();
    queue::PhaseTable phases;
    phases.copies[{"example.com", "default"}] = "new";
    const auto copy = [&](Phase phase) {
        phases.phases[{"example.com", "default"}] = phase;
        return route_new(phases, domain, "default", true).copy;
    };
    EXPECT_EQ(copy(Phase::pass_old), "new");
    EXPECT_EQ(copy(Phase::pass_new), "");  // it goes there anyway
    EXPECT_EQ(copy(Phase::hold), "");
    EXPECT_EQ(copy(Phase::release), "");
}

}  // namespace
}  // namespace siding::relay

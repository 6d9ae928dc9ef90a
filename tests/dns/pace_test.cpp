#include "dns/pace.hpp"

#include "tests/dns/served.hpp"

#include <gtest/gtest.h>

namespace siding::dns {
namespace {

using namespace std::chrono_literals;
using test::at;

const PaceSettings settings;

PaceFacts idle(WallTime now) {
    PaceFacts facts;
    facts.now = now;
    facts.mx_ttl = 300s;
    facts.last_look = facts.last_round = now;
    return facts;
}

TEST(Pace, minutes_while_nothing_happens) {
    EXPECT_EQ(next_look(idle(at(0s)), settings), at(5min));
    PaceFacts first = idle(at(0s));
    first.last_look.reset();
    EXPECT_EQ(next_look(first, settings), at(0s));
    PaceFacts late = idle(at(0s));
    late.last_look = at(-1h);
    EXPECT_EQ(next_look(late, settings), at(0s)) << "not in the past";
}

TEST(Pace, seconds_from_a_ttl_before_the_switch_until_it_is_converged) {
    PaceFacts facts = idle(at(0s));
    facts.switch_at = at(7min);
    EXPECT_FALSE(is_near(facts));
    EXPECT_EQ(next_look(facts, settings), at(2min)) << "when it becomes near";
    facts.now = facts.last_look.emplace(at(2min));
    EXPECT_TRUE(is_near(facts));
    EXPECT_EQ(next_look(facts, settings), at(2min + 20s));
    facts.now = at(8min);
    facts.changed_at = facts.published_at = at(8min);
    facts.mx_deadline = at(13min);
    facts.verdict = Verdict::published;
    EXPECT_TRUE(is_near(facts));
    facts.verdict = Verdict::converged;
    EXPECT_FALSE(is_near(facts));
}

TEST(Pace, seconds_after_a_change_that_nobody_planned) {
    PaceFacts facts = idle(at(1h));
    facts.changed_at = at(59min);
    EXPECT_TRUE(is_near(facts));
    facts.now = at(59min + 72h);
    EXPECT_FALSE(is_near(facts)) << "not for ever";
}

TEST(Pace, the_panel_is_left_alone_before_the_switch) {
    PaceFacts facts = idle(at(0s));
    facts.switch_at = at(10min);
    facts.last_round = at(-1h);
    facts.now = at(5min - 1ms);
    EXPECT_TRUE(permit_panel(facts, settings).allowed);
    facts.now = at(5min);
    const PanelPermit quiet = permit_panel(facts, settings);
    EXPECT_FALSE(quiet.allowed);
    EXPECT_EQ(quiet.next_at, at(10min));
    EXPECT_NE(quiet.reason.find("quiet period"), std::string::npos);
    facts.now = at(11min);
    EXPECT_FALSE(permit_panel(facts, settings).allowed) << "late, and the old MX is still there";
    facts.published_at = at(11min);
    facts.verdict = Verdict::published;
    EXPECT_TRUE(permit_panel(facts, settings).allowed);
}

TEST(Pace, a_round_a_minute_at_most) {
    PaceFacts facts = idle(at(0s));
    facts.changed_at = facts.published_at = at(0s);
    facts.verdict = Verdict::published;
    facts.now = at(59s);
    EXPECT_FALSE(permit_panel(facts, settings).allowed);
    EXPECT_EQ(permit_panel(facts, settings).next_at, at(60s));
    facts.now = at(60s);
    EXPECT_TRUE(permit_panel(facts, settings).allowed);
    facts.verdict = Verdict::converged;
    EXPECT_EQ(permit_panel(facts, settings).next_at, at(5min));
}

TEST(Pace, only_a_private_panel_may_be_asked_more_often) {
    const auto panel = [](const char* address) {
        PanelOperator each;
        each.addresses = {{"127.0.0.1", 5301}, {address, 53}};
        return std::vector{each};
    };
    EXPECT_EQ(panel_interval(panel("10.0.0.1"), 1s), 1s);
    EXPECT_EQ(panel_interval(panel("8.8.8.8"), 1s), 60s);
    EXPECT_EQ(panel_interval(panel("8.8.8.8"), 90s), 90s);
}

TEST(Pace, budget_of_a_resolver) {
    ProbeBudget budget{60s, 8};
    EXPECT_TRUE(budget.take("8.8.8.8", "a.example", 4, at(0s)));
    EXPECT_FALSE(budget.take("8.8.8.8", "a.example", 4, at(59s))) << "asked about that already";
    EXPECT_TRUE(budget.take("8.8.8.8", "b.example", 4, at(59s)));
    EXPECT_FALSE(budget.take("8.8.8.8", "c.example", 4, at(59s))) << "the minute is full";
    EXPECT_TRUE(budget.take("9.9.9.9", "c.example", 4, at(59s)));
    EXPECT_TRUE(budget.take("8.8.8.8", "a.example", 4, at(60s)));
    EXPECT_TRUE(budget.take("8.8.8.8", "c.example", 4, at(61s)));
}

}  // namespace
}  // namespace siding::dns

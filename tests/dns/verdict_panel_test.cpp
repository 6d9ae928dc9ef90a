// The gate of the panel: dns/verdict_panel.cpp.
#include "dns/verdict.hpp"
#include "tests/dns/verdict_facts.hpp"

#include <gtest/gtest.h>

namespace siding::dns {
namespace {

using namespace std::chrono_literals;
using namespace test;
using enum SampleState;

class PanelGateTest : public VerdictTest {};

TEST_F(PanelGateTest, a_resolver_that_holds_the_old_one_keeps_it_from_converged) {
    switch_over();
    rounds({is_new, is_new, is_old});
    const Judgement judgement = judge_at(at(2h));
    EXPECT_EQ(judgement.verdict, Verdict::published);
    EXPECT_EQ(
        judgement.reason,
        "1 of 3 operators that answer do not give the new MX: Operator 3 (old, until Sat 14:13:00)"
    );
    for (const SampleState state : {mixed, other, nxdomain, nodata}) {
        evidence.rounds.clear();
        rounds({is_new, state});
        EXPECT_EQ(judge_at(at(2h)).verdict, Verdict::published) << format_state(state);
    }
}

TEST_F(PanelGateTest, who_does_not_answer_is_neither_old_nor_new) {
    switch_over();
    for (const SampleState state : {timed_out, failed, filtered}) {
        evidence.rounds.clear();
        rounds({is_new, is_new, state});
        const Judgement judgement = judge_at(at(2h));
        EXPECT_EQ(judgement.verdict, Verdict::converged) << format_state(state);
        EXPECT_NE(gate(judgement, "panel").reason.find("1 of the panel's 3"), std::string::npos);
    }
    evidence.rounds.clear();
    rounds({is_new, timed_out});
    EXPECT_EQ(judge_at(at(2h)).verdict, Verdict::published) << "one of two is not enough";
    evidence.rounds.clear();
    rounds({timed_out, timed_out});
    EXPECT_EQ(
        judge_at(at(2h)).reason, "no resolver of the panel has said what the MX is since the switch"
    );
}

TEST_F(PanelGateTest, a_large_panel_needs_so_many_operators) {
    switch_over();
    std::vector<SampleState> states(23, is_new);
    std::fill_n(states.begin(), 9, timed_out);
    rounds(states);
    EXPECT_EQ(judge_at(at(2h)).reason, "only 14 of 23 operators answer, 15 must");
    evidence.rounds.clear();
    states[0] = is_new;
    rounds(states);
    EXPECT_EQ(judge_at(at(2h)).verdict, Verdict::converged);
}

TEST_F(PanelGateTest, rounds_must_follow_one_another_after_the_switch) {
    switch_over();
    evidence.rounds = {round_of(at(1min), {is_new}), round_of(at(8min), {is_new})};
    EXPECT_EQ(judge_at(at(2h)).verdict, Verdict::published);
    rounds({is_new}, 1);
    EXPECT_EQ(judge_at(at(2h)).verdict, Verdict::published) << "the first was before the switch";
    rounds({is_new}, 1);
    EXPECT_EQ(judge_at(at(2h)).verdict, Verdict::converged);
    evidence.rounds.insert(evidence.rounds.end() - 1, round_of(at(62min), {is_old}));
    EXPECT_EQ(judge_at(at(2h)).verdict, Verdict::published) << "old in between";
}

TEST_F(PanelGateTest, without_a_panel_the_gate_says_that_nobody_was_asked) {
    switch_over();
    evidence.has_panel = false;
    const Judgement judgement = judge_at(at(2h));
    EXPECT_EQ(judgement.verdict, Verdict::converged);
    EXPECT_FALSE(gate(judgement, "panel").asked);
    EXPECT_EQ(gate(judgement, "panel").reason, "not asked: the panel of resolvers is off");
}

}  // namespace
}  // namespace siding::dns

#include "cutover/flip.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace siding::cutover {
namespace {

using queue::FlipMove;
using queue::FlipRecord;

const Domain example = Domain::parse("example.com").value();
const Domain other = Domain::parse("other.org").value();

// The history and the phases that come of it, as the store keeps them.
class History {
public:
    History& begin(const Domain& domain, const std::string& wave, Phase phase) {
        phases.phases[{domain.text(), wave}] = phase;
        return *this;
    }
    History& flip(
        std::vector<FlipMove> moves, const std::string& who = "ann", std::uint64_t undoes = 0
    ) {
        for (const FlipMove& move : moves) {
            const std::pair key{move.domain.text(), move.wave};
            phases.phases[key] = move.to;
            phases.copies.erase(key);
            if (!move.copy_to.empty()) {
                phases.copies[key] = move.copy_to;
            }
        }
        FlipRecord record;
        record.epoch = ++phases.epoch;
        record.who = who;
        record.moves = std::move(moves);
        record.undoes = undoes;
        for (FlipRecord& flip : flips) {
            if (undoes != 0 && flip.epoch == undoes) {
                flip.undone_by = record.epoch;
            }
        }
        flips.insert(flips.begin(), std::move(record));
        return *this;
    }
    Result<Rollback> plan() const { return plan_rollback(flips, phases); }
    // Does what is planned.
    std::uint64_t roll_back() {
        const auto planned = plan();
        EXPECT_TRUE(planned) << planned.error().message();
        flip(planned->moves, "ann", planned->undone.epoch);
        return planned->undone.epoch;
    }

    queue::PhaseTable phases;
    std::vector<FlipRecord> flips;
};

FlipMove move(const Domain& domain, Phase from, Phase to, const std::string& wave = "default") {
    return {domain, wave, from, to};
}

TEST(Rollback, TurnsTheLastFlipRound) {
    History history;
    history.begin(example, "default", Phase::pass_old).begin(other, "pilot", Phase::pass_old);
    history.flip({
        move(example, Phase::pass_old, Phase::hold),
        move(other, Phase::pass_old, Phase::hold, "pilot"),
    });
    const auto plan = history.plan();
    ASSERT_TRUE(plan) << plan.error().message();
    EXPECT_EQ(plan->undone.epoch, 1U);
    EXPECT_EQ(
        plan->moves,
        (std::vector<FlipMove>{
            move(example, Phase::hold, Phase::pass_old),
            move(other, Phase::hold, Phase::pass_old, "pilot"),
        })
    );
}

TEST(Rollback, GoesFurtherBackEachTime) {
    History history;
    history.begin(example, "default", Phase::pass_old);
    history.flip({move(example, Phase::pass_old, Phase::hold)});
    history.flip({move(example, Phase::hold, Phase::release)});
    EXPECT_EQ(history.roll_back(), 2U);
    EXPECT_EQ(history.phases.find(example), Phase::hold);
    EXPECT_EQ(history.roll_back(), 1U);
    EXPECT_EQ(history.phases.find(example), Phase::pass_old);
    const auto none = history.plan();
    ASSERT_FALSE(none);
    EXPECT_TRUE(none.error().is(Errc::not_found));
    // A new flip is the last one again.
    history.flip({move(example, Phase::pass_old, Phase::pass_new)});
    EXPECT_EQ(history.plan()->moves[0].to, Phase::pass_old);
}

TEST(Rollback, WhatAReleaseEndedInByItselfIsPartOfItsFlip) {
    History history;
    history.begin(example, "default", Phase::hold).begin(other, "default", Phase::hold);
    history.flip({
        move(example, Phase::hold, Phase::release),
        move(other, Phase::hold, Phase::release),
    });
    history.flip({move(example, Phase::release, Phase::pass_new)}, "sidingd");
    const auto plan = history.plan();
    ASSERT_TRUE(plan) << plan.error().message();
    EXPECT_EQ(plan->undone.epoch, 1U);
    EXPECT_EQ(plan->moves[0], move(example, Phase::pass_new, Phase::hold));
    EXPECT_EQ(plan->moves[1], move(other, Phase::release, Phase::hold));
}

TEST(Rollback, BackToPassNewGoesByARelease) {
    History history;
    history.begin(example, "default", Phase::pass_new);
    history.flip({move(example, Phase::pass_new, Phase::hold)});
    EXPECT_EQ(history.plan()->moves[0], move(example, Phase::hold, Phase::release));
}

TEST(Rollback, NamesEveryWaveThatIsElsewhere) {
    History history;
    history.begin(example, "default", Phase::pass_old).begin(other, "default", Phase::pass_old);
    history.flip({
        move(example, Phase::pass_old, Phase::hold),
        move(other, Phase::pass_old, Phase::hold, "pilot"),
        move(other, Phase::pass_old, Phase::hold),
    });
    history.phases.phases[{"example.com", "default"}] = Phase::release;
    history.phases.phases.erase({"other.org", "pilot"});
    const auto plan = history.plan();
    ASSERT_FALSE(plan);
    EXPECT_TRUE(plan.error().is(Errc::conflict));
    EXPECT_EQ(
        plan.error().message(),
        "the flip of epoch 1 cannot be taken back: example.com is in release by now and not in "
        "hold, other.org/pilot is gone; move the waves by siding flip"
    );
}

TEST(Rollback, SomeWaysHaveNoWayBack) {
    History history;
    history.begin(example, "default", Phase::pass_new);
    history.flip({move(example, Phase::pass_new, Phase::retired)});
    const auto plan = history.plan();
    ASSERT_FALSE(plan);
    EXPECT_NE(
        plan.error().message().find("cannot go from retired back to pass_new"), std::string::npos
    );
}

TEST(Rollback, CopiesComeBackAndMustBeThere) {
    History history;
    history.begin(example, "default", Phase::pass_old);
    history.flip({{example, "default", Phase::pass_old, Phase::pass_old, "", "new"}});
    history.flip({{example, "default", Phase::pass_old, Phase::hold, "new", ""}});
    EXPECT_EQ(history.plan()->moves[0].copy_to, "new");
    EXPECT_EQ(history.roll_back(), 2U);
    const auto plan = history.plan();
    ASSERT_TRUE(plan) << plan.error().message();
    const FlipMove back{example, "default", Phase::pass_old, Phase::pass_old, "new", ""};
    EXPECT_EQ(plan->moves, std::vector{back});
    history.phases.copies[{"example.com", "default"}] = "third";
    EXPECT_FALSE(history.plan());
}

TEST(InitialPhases, WavesBeginWhereTheyAreToldOrWhereDefaultIs) {
    config::Config config;
    config::DomainSettings settings;
    settings.phase = Phase::pass_old;
    settings.copy = "new";
    settings.waves["told"].phase = Phase::hold;
    settings.waves["untold"] = {};
    config.domains.emplace(example, settings);
    const auto find = [](const queue::SetPhases& change, const std::string& wave) {
        const auto found = std::ranges::find(change.moves, wave, &queue::PhaseMove::wave);
        EXPECT_NE(found, change.moves.end()) << wave;
        EXPECT_TRUE(found->initial);
        return std::pair{found->to, found->copy};
    };
    const auto first = initial_phases(config, {});
    EXPECT_EQ(find(first, "default"), (std::pair{Phase::pass_old, std::string{"new"}}));
    EXPECT_EQ(find(first, "told"), (std::pair{Phase::hold, std::string{}}));
    EXPECT_EQ(find(first, "untold"), (std::pair{Phase::pass_old, std::string{"new"}}));
    queue::PhaseTable later;
    later.phases[{"example.com", "default"}] = Phase::hold;
    EXPECT_EQ(
        find(initial_phases(config, later), "untold"), (std::pair{Phase::hold, std::string{}})
    );
}

}  // namespace
}  // namespace siding::cutover

#include "relay/release_phases.hpp"

#include "tests/relay/release_fixture.hpp"

namespace siding::relay {
namespace {

using queue::OutcomeKind;

class ReleasePhasesTest : public ReleaseTest {
protected:
    static net::awaitable<bool> advance_once(ReleasePhases& phases) {
        co_await phases.advance();
        co_return true;
    }
    void advance() { get(advance_once(phases_)); }
    std::optional<Phase> phase() const { return queue_->phases()->find(example()); }
    std::vector<queue::ReleaseJob> jobs() { return queue_->store().releases().value(); }
    void flip(Phase to) {
        set_phase(to);
        run_until([&] { return phase() == to; });
    }
    // Both are asked again and again until it is so.
    void advance_until(const std::function<bool()>& is_so) {
        const auto end = std::chrono::steady_clock::now() + std::chrono::seconds{20};
        while (!is_so() && std::chrono::steady_clock::now() < end) {
            advance();
            loop_.context().restart();
            loop_.context().run_one_for(std::chrono::milliseconds{20});
        }
        ASSERT_TRUE(is_so());
    }

    ReleasePhases phases_{*queue_, run().releases};
};

TEST_F(ReleasePhasesTest, OneJobTakesTheBacklogAndWhatComesBehindIt) {
    const MessageId backlog = fill(3);
    flip(Phase::release);
    advance();
    run_until([&] { return count(State::due) == 3; });
    const MessageId late = fill(2);
    run_until([&] { return count(State::due) == 5; });
    advance();
    ASSERT_EQ(jobs().size(), 1U);
    EXPECT_TRUE(jobs()[0].of_phase);
    EXPECT_FALSE(jobs()[0].pinned);
    EXPECT_EQ(jobs()[0].who, "sidingd");
    EXPECT_EQ(row({backlog, 0}).due_at, row({late, 0}).due_at) << "then the oldest goes first";
    EXPECT_EQ(phase(), Phase::release);

    answer(5, OutcomeKind::delivered);
    advance_until([&] { return phase() == Phase::pass_new; });
    run_until_state(1, ReleaseState::complete);
    const auto flips = queue_->store().flips(10).value();
    EXPECT_EQ(flips.at(0).who, "sidingd");
}

// A wave that always has traffic has something due at every look.
TEST_F(ReleasePhasesTest, MailThatOnlyJustCameIsNoBacklog) {
    fill(3);
    flip(Phase::release);
    advance();
    run_until([&] { return count(State::due) == 3; });
    clock_.advance(std::chrono::seconds{1});
    fill(1);
    run_until([&] { return count(State::due) == 4; });
    advance();
    EXPECT_EQ(phase(), Phase::release) << "the backlog is due and has not left";
    answer(3, OutcomeKind::delivered);
    ASSERT_EQ(list(State::due).size(), 1U);
    advance_until([&] { return phase() == Phase::pass_new; });
    EXPECT_EQ(count(State::due), 1U);
}

// The other server of a parallel run may be away for days.
TEST_F(ReleasePhasesTest, ACopyForTheOtherServerIsNoBacklog) {
    queue::AcceptMessage mail = test::make_message(
        queue_->next_id(), "ann@sender.example", {{"u0@example.com", {State::due, "old"}}}, "hi\r\n"
    );
    mail.envelope.recipients.at(0).copy = true;
    mail.envelope.received_at = clock_.now();
    commit(std::move(mail));
    clock_.advance(std::chrono::hours{1});
    flip(Phase::release);
    advance_until([&] { return phase() == Phase::pass_new; });
    EXPECT_EQ(count(State::due), 1U);
}

// Its transaction began in phase release and ends after the flip.
TEST_F(ReleasePhasesTest, AStragglerFollows) {
    fill(1);
    flip(Phase::release);
    advance();
    run_until([&] { return count(State::due) == 1; });
    answer(1, OutcomeKind::delivered);
    advance_until([&] { return phase() == Phase::pass_new; });
    run_until_state(1, ReleaseState::complete);
    const MessageId straggler = fill(1);
    advance_until([&] { return row({straggler, 0}).state == State::due; });
    EXPECT_EQ(jobs().size(), 2U);
    run_until_state(2, ReleaseState::complete);
}

// The same where an operator's flip has let go what was held.
TEST_F(ReleasePhasesTest, AStragglerFollowsBackToTheOldServer) {
    fill(1);
    flip(Phase::pass_old);
    queue::ReleaseJob job = make_order();
    job.filter.wave = "default";
    job.filter.kept = false;
    job.server = "old";
    job.pinned = false;
    order(std::move(job));
    run_until_state(1, ReleaseState::complete);
    const MessageId straggler = fill(1);
    advance_until([&] { return row({straggler, 0}).state == State::due; });
    EXPECT_EQ(row({straggler, 0}).lane, "old");
}

// Held mail never leaves by itself: nobody has said that this may.
TEST_F(ReleasePhasesTest, WhatWasHeldAtAFlipStays) {
    fill(1);
    flip(Phase::pass_old);
    advance();
    flip(Phase::pass_new);
    advance();
    EXPECT_TRUE(jobs().empty());
    EXPECT_EQ(count(State::held), 1U);
}

TEST_F(ReleasePhasesTest, AFlipBackToHoldEndsTheJobAlsoWhereItIsPaused) {
    fill(2);
    for (const bool pauses : {false, true}) {
        flip(Phase::release);
        advance();
        const std::uint64_t id = jobs().back().id;
        if (pauses) {
            run_until([&] { return count(State::due) == 2; });
            EXPECT_TRUE(get(run().releases.pause(command(id, true))));
            run_until([&] { return run().tasks.count() == 0; });
            EXPECT_EQ(count(State::held), 2U);
        }
        flip(Phase::hold);
        advance_until([&] { return stored(id).state == ReleaseState::cancelled; });
        for (const auto& row : list(State::due)) {
            move(queue::Event::hold, row.id);
        }
    }
    flip(Phase::release);
    advance();
    run_until([&] { return count(State::due) == 2; });
    EXPECT_EQ(jobs().size(), 3U);
}

TEST_F(ReleasePhasesTest, ThePhasesJobIsPausedAndNotCancelled) {
    fill(2);
    flip(Phase::release);
    advance();
    run_until([&] { return count(State::due) == 2; });
    const auto refused = get(run().releases.cancel(command(1)));
    ASSERT_TRUE(refused.has_error());
    EXPECT_TRUE(refused.error().is(Errc::conflict));
    EXPECT_TRUE(get(run().releases.pause(command(1, true))));
    run_until([&] { return count(State::held) == 2; });
    advance();
    advance();
    EXPECT_EQ(jobs().size(), 1U);
    EXPECT_EQ(phase(), Phase::release);
    EXPECT_TRUE(get(run().releases.resume(command(1))));
    run_until([&] { return count(State::due) == 2; });
    EXPECT_EQ(report(1).left, 0U);
}

TEST_F(ReleasePhasesTest, GoesOnAfterARestart) {
    fill(2);
    flip(Phase::release);
    advance();
    run_until([&] { return count(State::due) == 2; });
    EXPECT_EQ(jobs().size(), 1U);
    stop();
    run();
    ReleasePhases phases{*queue_, run().releases};
    ASSERT_TRUE(get(run().releases.resume_all()));
    fill(1);
    run_until([&] { return count(State::due) == 3; });
    get(advance_once(phases));
    EXPECT_EQ(jobs().size(), 1U) << "the same job";
}

}  // namespace
}  // namespace siding::relay

// What becomes of what a job has moved, and what an operator says meanwhile.
#include "tests/relay/release_fixture.hpp"

namespace siding::relay {
namespace {

using queue::OutcomeKind;

class ReleaseOutcomesTest : public ReleaseTest {
protected:
    static queue::ReleaseJob with_canary(std::uint64_t canary, unsigned percent = 5) {
        queue::ReleaseJob job = make_order();
        job.canary = canary;
        job.pause_percent = percent;
        return job;
    }
    static queue::ReleaseJob with_threshold(unsigned percent) {
        queue::ReleaseJob job = make_order();
        job.pause_percent = percent;
        return job;
    }
    // The loop goes on for a while in which nothing can be waited for.
    void go_on() {
        loop_.context().restart();
        loop_.context().run_for(std::chrono::milliseconds{500});
    }
    Error error_of(net::awaitable<Result<ReleaseReport>> work) {
        const auto answer = get(std::move(work));
        EXPECT_TRUE(answer.has_error());
        return answer ? Error{Errc::internal, ""} : answer.error();
    }
};

TEST_F(ReleaseOutcomesTest, ACanaryThatGoesWellLetsTheOthersGo) {
    fill(100);
    order(with_canary(10));
    run_until([&] { return count(State::due) == 10; });
    go_on();
    EXPECT_EQ(count(State::held), 90U) << "as long as nothing is known";
    EXPECT_EQ(report(1).job.state, ReleaseState::canary);
    answer(9, OutcomeKind::delivered, "250 ok");
    go_on();
    EXPECT_EQ(count(State::held), 90U) << "one is still out";
    answer(1, OutcomeKind::delivered, "250 ok");
    run_until_state(1, ReleaseState::complete);
    EXPECT_EQ(count(State::due), 90U);
    EXPECT_EQ(stored(1).chosen, 100U);
}

TEST_F(ReleaseOutcomesTest, ACanaryThatIsRefusedPauses) {
    fill(100);
    order(with_canary(10));
    run_until([&] { return count(State::due) == 10; });
    answer(9, OutcomeKind::delivered, "250 ok");
    answer(1, OutcomeKind::parked, "550 5.1.1 no such user");
    run_until_state(1, ReleaseState::paused);
    EXPECT_EQ(stored(1).why, "of the canary's 10, 1 parked: 550 5.1.1 no such user");
    EXPECT_EQ(count(State::held), 90U);

    // Somebody has looked at it.
    EXPECT_TRUE(get(run().releases.resume(command(1))));
    run_until_state(1, ReleaseState::complete);
    EXPECT_EQ(count(State::due), 90U);
}

TEST_F(ReleaseOutcomesTest, ADeferredCanaryPausesAlsoAfterARestart) {
    fill(100);
    order(with_canary(10));
    run_until([&] { return count(State::due) == 10; });
    answer(5, OutcomeKind::delivered, "250 ok");
    restart();
    EXPECT_EQ(report(1).job.state, ReleaseState::canary);
    go_on();
    EXPECT_EQ(count(State::due), 5U) << "no second canary";
    answer(1, OutcomeKind::deferred, "450 4.7.1 greylisted");
    run_until_state(1, ReleaseState::paused);
    EXPECT_NE(stored(1).why.find("greylisted"), std::string::npos) << stored(1).why;
    restart();
    go_on();
    EXPECT_EQ(report(1).job.state, ReleaseState::paused) << "a pause outlives a restart";
    EXPECT_EQ(count(State::held), 90U);
}

TEST_F(ReleaseOutcomesTest, WhoGoesFirstIsNoCanary) {
    const MessageId id = accept({{"boss@example.com", {}}, {"a@example.com", {}}});
    auto job = with_canary(1);
    job.first = {"boss@example.com"};
    order(std::move(job));
    run_until([&] { return count(State::due) == 1; });
    EXPECT_EQ(row({id, 0}).state, State::held);
    answer(1, OutcomeKind::delivered, "250 ok");
    run_until_state(1, ReleaseState::complete);
    EXPECT_EQ(row({id, 0}).state, State::due);
}

TEST_F(ReleaseOutcomesTest, TooManyRejectsPauseAndTakeBackWhatIsDue) {
    fill(200);
    order(with_threshold(5));
    run_until_state(1, ReleaseState::complete);
    EXPECT_EQ(count(State::due), 200U);
    answer(18, OutcomeKind::delivered, "250 ok");
    answer(2, OutcomeKind::parked, "550 5.7.1 no");
    run_until_state(1, ReleaseState::paused);
    run_until([&] { return count(State::held) == 180; });
    EXPECT_EQ(stored(1).why, "2 of the last 20 were refused; siding parked says why");
    EXPECT_EQ(count(State::due), 0U);
    run_until([&] { return stored(1).chosen == 20; });
    EXPECT_EQ(queue_->store().counters().all().kept, 0U);
    EXPECT_EQ(report(1).left, 180U);

    // Judged anew from here on.
    EXPECT_TRUE(get(run().releases.resume(command(1))));
    run_until_state(1, ReleaseState::complete);
    EXPECT_EQ(count(State::due), 180U);
    EXPECT_EQ(stored(1).chosen, 200U);
    answer(180, OutcomeKind::delivered, "250 ok");
    run_until([&] { return run().tasks.count() == 0; });
    EXPECT_TRUE(report(1).is_done());
}

TEST_F(ReleaseOutcomesTest, NoThresholdNoPause) {
    fill(100);
    order(with_threshold(0));
    run_until_state(1, ReleaseState::complete);
    answer(100, OutcomeKind::parked, "550 5.7.1 no");
    run_until([&] { return run().tasks.count() == 0; });
    EXPECT_EQ(stored(1).state, ReleaseState::complete);
    EXPECT_EQ(report(1).counts.of(State::parked), 100U);
}

TEST_F(ReleaseOutcomesTest, AnOperatorPausesResumesAndCancels) {
    fill(50);
    auto job = make_order();
    job.rate_per_minute = 60;
    order(std::move(job));
    run_until([&] { return count(State::due) == 1; });
    const auto paused = get(run().releases.pause(command(1)));
    ASSERT_TRUE(paused);
    EXPECT_EQ(paused->job.state, ReleaseState::paused);
    EXPECT_EQ(paused->job.why, "paused by bob");
    EXPECT_EQ(paused->left, 49U);
    EXPECT_FALSE(paused->time_left);
    run_until([&] { return run().tasks.count() == 0; });
    EXPECT_EQ(count(State::due), 1U) << "what was moved stays due";

    EXPECT_TRUE(get(run().releases.resume(command(1))));
    run_until([&] { return count(State::due) > 1; });
    EXPECT_TRUE(error_of(run().releases.resume(command(1))).is(Errc::conflict));
    EXPECT_TRUE(report(1).time_left);

    const auto cancelled = get(run().releases.cancel(command(1, true)));
    ASSERT_TRUE(cancelled);
    run_until([&] { return run().tasks.count() == 0; });
    EXPECT_EQ(count(State::held), 50U) << "recalled";
    EXPECT_EQ(report(1).left, 0U);
    EXPECT_TRUE(error_of(run().releases.resume(command(1))).is(Errc::conflict));
    EXPECT_TRUE(error_of(run().releases.pause(command(1))).is(Errc::conflict));
    EXPECT_TRUE(error_of(run().releases.cancel(command(1))).is(Errc::conflict));
    EXPECT_TRUE(error_of(run().releases.cancel(command(7))).is(Errc::not_found));
    restart();
    EXPECT_EQ(run().tasks.count(), 0U);
    EXPECT_EQ(report(1).job.state, ReleaseState::cancelled);
}

TEST_F(ReleaseOutcomesTest, WhatHasAllGoneCanOnlyBeTakenBack) {
    fill(30);
    order(make_order());
    run_until_state(1, ReleaseState::complete);
    EXPECT_TRUE(error_of(run().releases.pause(command(1))).is(Errc::conflict));
    EXPECT_TRUE(error_of(run().releases.cancel(command(1))).is(Errc::conflict));
    EXPECT_TRUE(get(run().releases.pause(command(1, true))));
    run_until([&] { return count(State::held) == 30; });
    EXPECT_EQ(stored(1).state, ReleaseState::paused);
}

TEST_F(ReleaseOutcomesTest, OnlyWhatWasHeldIsTakenBack) {
    const MessageId id = fill(2);
    move(queue::Event::park, {id, 0});
    auto job = make_order();
    job.filter.state = State::parked;
    order(std::move(job));
    run_until_state(1, ReleaseState::complete);
    EXPECT_EQ(row({id, 0}).state, State::due);
    EXPECT_TRUE(error_of(run().releases.pause(command(1, true))).is(Errc::invalid_argument));
}

}  // namespace
}  // namespace siding::relay

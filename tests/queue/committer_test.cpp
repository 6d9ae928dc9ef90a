#include "queue/committer.hpp"

#include "base/limits.hpp"
#include "tests/queue/fake_store.hpp"
#include "tests/support/queue_workload.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <latch>
#include <numeric>
#include <thread>

namespace siding::queue {
namespace {

namespace asio = boost::asio;

StartAttempt attempt(std::uint64_t id) {
    return {{{MessageId{id}, 0}}, "new"};
}

class CommitterTest : public testing::Test {
protected:
    // The commit thread stands at the gate with one change in hand.
    void hold_up() {
        store_.close_gate();
        committer_->submit(attempt(0), [](Result<Applied>) {});
        store_.wait_until_at_gate();
    }
    void finish() { committer_.reset(); }

    ManualClock clock_{test::test_epoch};
    Metrics metrics_;
    FakeStore store_;
    std::unique_ptr<Committer> committer_ = std::make_unique<Committer>(store_, clock_, metrics_);
};

TEST_F(CommitterTest, GathersAGroupWhileItSyncs) {
    hold_up();
    std::atomic<int> done = 0;
    for (std::uint64_t i = 1; i <= 500; ++i) {
        committer_->submit(attempt(i), [&](Result<Applied> applied) {
            EXPECT_TRUE(applied);
            ++done;
        });
    }
    EXPECT_EQ(done, 0);
    store_.open_gate();
    finish();
    EXPECT_EQ(done, 500);
    EXPECT_EQ(store_.groups(), (std::vector<std::size_t>{1, 500}));
    EXPECT_NE(metrics_.text().find("siding_commit_groups_total 2"), std::string::npos);
    EXPECT_NE(metrics_.text().find("siding_commit_changes_total 501"), std::string::npos);
}

TEST_F(CommitterTest, AppliesAndAnswersInOrder) {
    hold_up();
    std::vector<std::uint64_t> answered;
    for (std::uint64_t i = 1; i <= 3000; ++i) {
        committer_->submit(attempt(i), [&answered, i](Result<Applied> applied) {
            EXPECT_EQ(applied.value().moved, i + 1);
            answered.push_back(i);
        });
    }
    store_.open_gate();
    finish();
    std::vector<std::uint64_t> expected(3000);
    std::iota(expected.begin(), expected.end(), 1);
    EXPECT_EQ(answered, expected);
    EXPECT_TRUE(std::ranges::is_sorted(store_.order()));
}

TEST_F(CommitterTest, BoundsAGroupInChanges) {
    hold_up();
    constexpr std::size_t most = limits::commit_group_changes_max;
    for (std::size_t i = 0; i < 2 * most + 5; ++i) {
        committer_->submit(attempt(i), [](Result<Applied>) {});
    }
    store_.open_gate();
    finish();
    EXPECT_EQ(store_.groups(), (std::vector<std::size_t>{1, most, most, 5}));
}

TEST_F(CommitterTest, BoundsAGroupInOctets) {
    hold_up();
    const std::string body(limits::inline_body_octets_max, 'x');
    constexpr std::size_t most = limits::commit_group_octets_max / limits::inline_body_octets_max;
    for (std::size_t i = 0; i < most + 1; ++i) {
        AcceptMessage change;
        change.inline_body = body;
        committer_->submit(std::move(change), [](Result<Applied>) {});
    }
    store_.open_gate();
    finish();
    EXPECT_EQ(store_.groups(), (std::vector<std::size_t>{1, most, 1}));
}

TEST_F(CommitterTest, OneConflictHarmsNoOther) {
    hold_up();
    std::vector<bool> fates;
    const auto note = [&](Result<Applied> applied) { fates.push_back(applied.has_value()); };
    committer_->submit(attempt(1), note);
    committer_->submit(RecordOutcome{}, note);
    committer_->submit(attempt(2), note);
    store_.open_gate();
    finish();
    EXPECT_EQ(fates, (std::vector<bool>{true, false, true}));
}

TEST_F(CommitterTest, TellsOfAFailureOnce) {
    std::atomic<int> told = 0;
    committer_->on_failure([&](const std::string& reason) {
        EXPECT_EQ(reason, "the disk is gone");
        ++told;
    });
    store_.fail_from_now_on();
    for (int i = 0; i < 5; ++i) {
        std::latch answered{1};
        committer_->submit(attempt(1), [&](Result<Applied> applied) {
            EXPECT_TRUE(applied.error().is(Errc::storage_failure));
            answered.count_down();
        });
        answered.wait();
    }
    finish();
    EXPECT_EQ(told, 1);
}

// A read or a flush in the background fails; with every MAIL refused no change would ever come.
TEST_F(CommitterTest, TellsOfAFailureThoughNothingIsToBeWritten) {
    std::latch told{1};
    committer_->on_failure([&](const std::string&) { told.count_down(); });
    store_.fail_from_now_on();
    told.wait();
    finish();
    EXPECT_TRUE(store_.groups().empty());
}

TEST_F(CommitterTest, PublishesPhasesAfterTheFlipAndBeforeItsAnswer) {
    EXPECT_EQ(committer_->phases()->epoch, 0U);
    hold_up();
    std::uint64_t seen = 0;
    committer_->submit(SetPhases{}, [&](Result<Applied> applied) {
        seen = committer_->phases()->epoch;
        EXPECT_EQ(applied.value().epoch, 1U);
    });
    const auto before = committer_->phases();
    store_.open_gate();
    std::latch answered{1};
    committer_->submit(attempt(1), [&](Result<Applied>) { answered.count_down(); });
    answered.wait();
    EXPECT_EQ(seen, 1U);
    EXPECT_EQ(committer_->phases()->epoch, 1U);
    EXPECT_EQ(before->epoch, 0U) << "who holds the old table keeps it";
}

TEST_F(CommitterTest, RefusesAtOnceWhenTheQueueIsFull) {
    hold_up();
    std::atomic<std::size_t> applied = 0;
    for (std::size_t i = 0; i < limits::commit_queue_changes_max; ++i) {
        committer_->submit(attempt(i), [&](Result<Applied> one) { applied += one ? 1U : 0U; });
    }
    bool refused = false;
    committer_->submit(attempt(1), [&](Result<Applied> one) {
        refused = one.error().is(Errc::unavailable);
    });
    EXPECT_TRUE(refused);
    EXPECT_EQ(applied, 0U);
    store_.open_gate();
    finish();
    EXPECT_EQ(applied, limits::commit_queue_changes_max);
}

TEST_F(CommitterTest, ShowsWhenItHangs) {
    const std::uint64_t rounds = committer_->rounds();
    hold_up();
    EXPECT_FALSE(committer_->idle());
    EXPECT_EQ(committer_->rounds(), rounds);
    store_.open_gate();
    std::latch answered{1};
    committer_->submit(attempt(1), [&](Result<Applied>) { answered.count_down(); });
    answered.wait();
    EXPECT_GT(committer_->rounds(), rounds);
}

TEST_F(CommitterTest, SettlesWhenTheWorkEnds) {
    committer_->submit(attempt(1), [](Result<Applied>) {});
    store_.wait_until_settled();
}

TEST_F(CommitterTest, ResumesACoroutineOnItsOwnExecutor) {
    asio::io_context io;
    std::thread::id resumed_on;
    std::optional<Result<Applied>> applied;
    const auto session = [&]() -> asio::awaitable<void> {
        applied = co_await committer_->commit(attempt(1));
        resumed_on = std::this_thread::get_id();
    };
    asio::co_spawn(io, session, asio::detached);
    io.run();
    ASSERT_TRUE(applied);
    EXPECT_TRUE(*applied);
    EXPECT_EQ(resumed_on, std::this_thread::get_id());
}

}  // namespace
}  // namespace siding::queue

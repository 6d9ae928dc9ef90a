#include "relay/mover.hpp"

#include "base/limits.hpp"
#include "tests/relay/relay_fixture.hpp"

#include <algorithm>

namespace siding::relay {
namespace {

constexpr std::size_t rows_per_message = 500;
constexpr std::size_t all_rows = 2500;
static_assert(all_rows > 2 * limits::change_page_rows);

class MoverTest : public RelayTest {
protected:
    // A run of the daemon's mover: its tasks and what it woke.
    struct Run {
        explicit Run(MoverTest& test)
            : tasks{test.loop_.executor(), "releases", 8},
              mover{*test.queue_, tasks, [this](WallTime) {
                        ++wakes;
                        if (on_wake) {
                            on_wake();
                        }
                    }} {}
        net::TaskGroup tasks;
        int wakes = 0;
        std::function<void()> on_wake;
        Mover mover;
    };

    // Five messages of five hundred recipients, every other one in the pilot wave.
    void fill() {
        for (std::size_t m = 0; m < all_rows / rows_per_message; ++m) {
            std::vector<To> to;
            for (std::size_t n = 0; n < rows_per_message; ++n) {
                to.push_back(
                    {"u" + std::to_string(n) + "@example.com", {}, n % 2 == 0 ? "pilot" : "default"}
                );
            }
            messages_.push_back(accept(to));
        }
    }

    static queue::ReleaseJob order(std::optional<std::uint64_t> limit = {}) {
        queue::ReleaseJob job;
        job.filter.domain = example();
        job.filter.limit = limit;
        job.server = "new";
        job.who = "ann";
        return job;
    }
    queue::ReleaseJob job(std::uint64_t id) {
        return queue_->store().releases().value().at(id - 1);
    }
    void finish(Run& run) { loop_.run(run.tasks.join()); }

    // Rows with more than one `released` line.
    std::size_t released_twice() {
        std::size_t twice = 0;
        for (const MessageId message : messages_) {
            std::map<std::uint32_t, int> times;
            for (const auto& line : queue_->store().ledger_of(message).value()) {
                if (line.kind == LedgerKind::released && ++times[line.recipient.number] == 2) {
                    ++twice;
                }
            }
        }
        return twice;
    }

    std::vector<MessageId> messages_;
};

TEST_F(MoverTest, ReleasesEveryPageOfWhatMatches) {
    fill();
    const MessageId other = accept({{"joe@example.org", {}}});
    Run run{*this};
    auto pilot = order();
    pilot.filter.wave = "pilot";
    EXPECT_EQ(get(run.mover.order_release(std::move(pilot))).value(), 1U);
    finish(run);
    EXPECT_EQ(count(State::due), all_rows / 2);
    EXPECT_EQ(run.wakes, 2);
    EXPECT_TRUE(job(1).complete);
    EXPECT_EQ(job(1).chosen, all_rows / 2);
    const auto one = row({messages_[0], 0});
    EXPECT_EQ(one.lane, "new");
    EXPECT_EQ(one.pinned_server, "new");
    EXPECT_EQ(one.release_id, 1U);
    EXPECT_EQ(one.due_at, clock_.now());

    EXPECT_EQ(get(run.mover.order_release(order())).value(), 2U);
    finish(run);
    EXPECT_EQ(count(State::due), all_rows);
    EXPECT_EQ(job(2).chosen, all_rows / 2);
    EXPECT_EQ(row({other, 0}).state, State::held);
    EXPECT_EQ(released_twice(), 0U);
}

TEST_F(MoverTest, StopsAtTheLimit) {
    fill();
    Run run{*this};
    ASSERT_TRUE(get(run.mover.order_release(order(1500))));
    finish(run);
    EXPECT_EQ(count(State::due), 1500U);
    EXPECT_EQ(job(1).chosen, 1500U);
    EXPECT_TRUE(job(1).complete);
}

TEST_F(MoverTest, LeavesAloneWhatCameAfterTheOrder) {
    fill();
    Run run{*this};
    MessageId late;
    run.on_wake = [&] {
        if (run.wakes == 1) {
            late = accept({{"late@example.com", {}}});
        }
    };
    ASSERT_TRUE(get(run.mover.order_release(order())));
    finish(run);
    EXPECT_EQ(count(State::due), all_rows);
    EXPECT_EQ(row({late, 0}).state, State::held);
}

TEST_F(MoverTest, GoesOnAfterARestartAndCountsNothingTwice) {
    fill();
    for (const std::optional<std::uint64_t> limit : {std::optional<std::uint64_t>{2200}, {}}) {
        Run first{*this};
        first.on_wake = [&] { first.tasks.cancel(); };
        ASSERT_TRUE(get(first.mover.order_release(order(limit))));
        finish(first);
        const std::uint64_t id = queue_->store().releases().value().size();
        if (limit) {
            EXPECT_FALSE(job(id).complete);
            EXPECT_GE(count(State::due), limits::change_page_rows);
            EXPECT_LT(count(State::due), *limit) << "cut off before its last page";
        }
        queue_.reset();
        open();
        Run second{*this};
        ASSERT_TRUE(get(second.mover.resume()));
        finish(second);
        EXPECT_TRUE(job(id).complete);
        EXPECT_EQ(count(State::due), limit.value_or(all_rows));
        EXPECT_EQ(job(id).chosen, limit.value_or(all_rows - 2200));
    }
    EXPECT_EQ(released_twice(), 0U);
    Run third{*this};
    ASSERT_TRUE(get(third.mover.resume()));
    finish(third);
    EXPECT_EQ(third.wakes, 0) << "nothing is left to go on with";
}

// Both see the same rows; who comes second finds them gone.
TEST_F(MoverTest, TwoOrdersForTheSameMailMoveItOnce) {
    fill();
    Run run{*this};
    ASSERT_TRUE(get(run.mover.order_release(order())));
    ASSERT_TRUE(get(run.mover.order_release(order())));
    finish(run);
    EXPECT_EQ(count(State::due), all_rows);
    EXPECT_EQ(job(1).chosen + job(2).chosen, all_rows);
    EXPECT_TRUE(job(1).complete && job(2).complete);
    EXPECT_EQ(released_twice(), 0U);
}

// Discarding what is parked must not take what somebody has just released.
TEST_F(MoverTest, DiscardsOnlyWhatItWasOrderedFor) {
    fill();
    Run run{*this};
    queue::Filter parked;
    parked.state = State::parked;
    EXPECT_EQ(get(run.mover.move_all(queue::Event::discard, parked, "ann", "")).value(), 0U);
    queue::Filter one_message;
    one_message.message = messages_[0];
    one_message.limit = 20;
    EXPECT_EQ(
        get(run.mover.move_all(queue::Event::discard, one_message, "ann", "spam")).value(), 20U
    );
    EXPECT_EQ(count(State::discarded), 20U);
    const auto line = queue_->store().ledger_of(messages_[0]).value().back();
    EXPECT_EQ(line.kind, LedgerKind::discarded);
    EXPECT_EQ(line.who, "ann");
    EXPECT_EQ(line.reply, "spam");
    EXPECT_EQ(get(run.mover.move_all(queue::Event::discard, {}, "ann", "")).value(), all_rows - 20);
    EXPECT_EQ(count(State::discarded), all_rows);
    EXPECT_TRUE(queue_->store().rows({}, 1).value().rows.empty());
}

TEST_F(MoverTest, AnOperatorsHoldIsKept) {
    fill();
    Run run{*this};
    ASSERT_TRUE(get(run.mover.order_release(order(1200))));
    finish(run);
    EXPECT_EQ(get(run.mover.move_all(queue::Event::hold, {}, "ann", "wait")).value(), all_rows);
    EXPECT_EQ(count(State::held), all_rows);
    EXPECT_EQ(queue_->store().counters().all().kept, all_rows);
    EXPECT_EQ(get(run.mover.move_all(queue::Event::hold, {}, "ann", "")).value(), 0U);

    auto phases_own = order();
    phases_own.filter.kept = false;
    ASSERT_TRUE(get(run.mover.order_release(std::move(phases_own))));
    finish(run);
    EXPECT_EQ(count(State::held), all_rows);
    ASSERT_TRUE(get(run.mover.order_release(order())));
    finish(run);
    EXPECT_EQ(count(State::due), all_rows);
    EXPECT_EQ(queue_->store().counters().all().kept, 0U);
}

}  // namespace
}  // namespace siding::relay

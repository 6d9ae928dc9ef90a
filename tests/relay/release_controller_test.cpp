#include "base/limits.hpp"
#include "tests/relay/release_fixture.hpp"

namespace siding::relay {
namespace {

constexpr std::size_t rows_per_message = 500;
constexpr std::size_t all_rows = 2500;
static_assert(all_rows > 2 * limits::change_page_rows);

class ReleaseControllerTest : public ReleaseTest {
protected:
    // Five messages of five hundred recipients, every other one in the pilot wave.
    void fill_pages() {
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
    static queue::ReleaseJob limited(std::optional<std::uint64_t> limit) {
        queue::ReleaseJob job = make_order();
        job.filter.limit = limit;
        return job;
    }

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

TEST_F(ReleaseControllerTest, ReleasesEveryPageOfWhatMatches) {
    fill_pages();
    const MessageId other = accept({{"joe@example.org", {}}});
    auto pilot = make_order();
    pilot.filter.wave = "pilot";
    EXPECT_EQ(order(std::move(pilot)), 1U);
    run_until_state(1, ReleaseState::complete);
    EXPECT_EQ(count(State::due), all_rows / 2);
    EXPECT_EQ(run().wakes, 2);
    EXPECT_EQ(stored(1).chosen, all_rows / 2);
    EXPECT_EQ(stored(1).total, all_rows / 2);
    const auto one = row({messages_[0], 0});
    EXPECT_EQ(one.lane, "new");
    EXPECT_EQ(one.pinned_server, "new");
    EXPECT_EQ(one.release_id, 1U);
    EXPECT_EQ(one.due_at, clock_.now());

    EXPECT_EQ(order(make_order()), 2U);
    run_until_state(2, ReleaseState::complete);
    EXPECT_EQ(count(State::due), all_rows);
    EXPECT_EQ(stored(2).chosen, all_rows / 2);
    EXPECT_EQ(stored(2).total, all_rows / 2);
    EXPECT_EQ(row({other, 0}).state, State::held);
    EXPECT_EQ(released_twice(), 0U);
    EXPECT_FALSE(report(2).is_done());
    EXPECT_EQ(report(2).waiting(), all_rows / 2);
}

TEST_F(ReleaseControllerTest, StopsAtTheLimit) {
    fill_pages();
    order(limited(1500));
    run_until_state(1, ReleaseState::complete);
    EXPECT_EQ(count(State::due), 1500U);
    EXPECT_EQ(stored(1).chosen, 1500U);
    EXPECT_EQ(stored(1).total, 1500U);
}

TEST_F(ReleaseControllerTest, LeavesAloneWhatCameAfterTheOrder) {
    fill_pages();
    MessageId late;
    run().on_wake = [&] {
        if (run().wakes == 1) {
            late = accept({{"late@example.com", {}}});
        }
    };
    order(make_order());
    run_until_state(1, ReleaseState::complete);
    EXPECT_EQ(count(State::due), all_rows);
    EXPECT_EQ(row({late, 0}).state, State::held);
}

TEST_F(ReleaseControllerTest, GoesOnAfterARestartAndCountsNothingTwice) {
    fill_pages();
    for (const std::optional<std::uint64_t> limit : {std::optional<std::uint64_t>{2200}, {}}) {
        run().on_wake = [&] { run_->tasks.cancel(); };
        const std::uint64_t id = order(limited(limit));
        loop_.run(run_->tasks.join());
        if (limit) {
            EXPECT_NE(stored(id).state, ReleaseState::complete);
            EXPECT_GE(count(State::due), limits::change_page_rows);
            EXPECT_LT(count(State::due), *limit) << "cut off before its last page";
        }
        restart();
        run_until_state(id, ReleaseState::complete);
        EXPECT_EQ(count(State::due), limit.value_or(all_rows));
        EXPECT_EQ(stored(id).chosen, limit.value_or(all_rows - 2200));
        EXPECT_EQ(stored(id).total, limit.value_or(all_rows - 2200));
    }
    EXPECT_EQ(released_twice(), 0U);
    restart();
    EXPECT_EQ(run().wakes, 0) << "nothing is left to go on with";
}

// Both see the same rows; who comes second finds them gone.
TEST_F(ReleaseControllerTest, TwoOrdersForTheSameMailMoveItOnce) {
    fill_pages();
    order(make_order());
    order(make_order());
    run_until_state(1, ReleaseState::complete);
    run_until_state(2, ReleaseState::complete);
    EXPECT_EQ(count(State::due), all_rows);
    EXPECT_EQ(stored(1).chosen + stored(2).chosen, all_rows);
    EXPECT_EQ(released_twice(), 0U);
}

TEST_F(ReleaseControllerTest, WhatIsKeptOnlyAnOperatorsOrderTakes) {
    const MessageId id = fill(2);
    move(queue::Event::hold, {id, 0}, true);
    auto phases_own = make_order();
    phases_own.filter.kept = false;
    order(std::move(phases_own));
    run_until_state(1, ReleaseState::complete);
    EXPECT_EQ(row({id, 0}).state, State::held);
    order(make_order());
    run_until_state(2, ReleaseState::complete);
    EXPECT_EQ(count(State::due), 2U);
    EXPECT_EQ(queue_->store().counters().all().kept, 0U);
}

// The order in which lanes see what is due.
TEST_F(ReleaseControllerTest, ThoseThatGoFirstThenTheSmallOnesThenTheOldest) {
    const MessageId large = accept({{"a@example.com", {}}}, std::string(100'000, 'x'));
    const MessageId small = accept({{"b@example.com", {}}, {"boss@example.com", {}}});
    const MessageId large_first = accept({{"boss@example.com", {}}}, std::string(100'000, 'x'));
    const MessageId small_too = accept({{"c@example.com", {}}});
    auto job = make_order();
    job.order = queue::ReleaseOrder::small_first;
    job.first = {"boss@example.com"};
    order(std::move(job));
    run_until_state(1, ReleaseState::complete);
    std::vector<RecipientId> due;
    for (const auto& row : queue_->store().due("new", clock_.now(), {}, 10).value().rows) {
        due.push_back(row.id);
    }
    const std::vector<RecipientId> expected{
        {small, 1}, {large_first, 0}, {small, 0}, {small_too, 0}, {large, 0}};
    EXPECT_EQ(due, expected);
}

TEST_F(ReleaseControllerTest, ARateGoesSliceBySlice) {
    fill(50);
    auto job = make_order();
    job.rate_per_minute = 6'000;
    order(std::move(job));
    run_until([&] { return count(State::due) > 0; });
    EXPECT_LE(count(State::due), 25U) << "a slice";
    EXPECT_EQ(report(1).job.total, 50U);
    run_until_state(1, ReleaseState::complete);
    EXPECT_EQ(count(State::due), 50U);
    EXPECT_GT(run().wakes, 2);
}

TEST_F(ReleaseControllerTest, DefaultsAreTheConfigurations) {
    auto next = make_config();
    next.release.rate = 600;
    next.release.canary = 10;
    next.release.pause_percent = 7;
    next.release.order = config::Release::Order::small_first;
    config_.apply(std::move(next));
    const auto job = run().releases.make_job();
    EXPECT_EQ(job.rate_per_minute, 600U);
    EXPECT_EQ(job.canary, 10U);
    EXPECT_EQ(job.pause_percent, 7U);
    EXPECT_EQ(job.order, queue::ReleaseOrder::small_first);
    auto plain = make_order();
    const auto id = get(run().releases.order_as_configured(std::move(plain))).value();
    EXPECT_EQ(stored(id).canary, 10U);
    EXPECT_EQ(stored(id).state, ReleaseState::canary);
    EXPECT_EQ(stored(id).who, "ann");
}

}  // namespace
}  // namespace siding::relay

// A store that takes nothing for a while, and orders that cross each other: nothing is forgotten
// until the next restart, and nothing moves that was not ordered.
#include "base/limits.hpp"
#include "relay/lane.hpp"
#include "relay/redirect.hpp"
#include "relay/release_controller.hpp"
#include "tests/relay/relay_fixture.hpp"
#include "tests/support/scripted_peer.hpp"

#include <latch>

namespace siding::relay {
namespace {

using namespace std::chrono_literals;
using test::takes_message;

// The commit thread stands still, and the queue in front of it is full.
class Jam {
public:
    explicit Jam(queue::Committer& committer) {
        const queue::StartAttempt nothing{{}, "new"};
        committer.submit(nothing, [this](const Result<queue::Applied>&) {
            standing_.count_down();
            clear_.wait();
        });
        standing_.wait();
        for (std::size_t i = 0; i < limits::commit_queue_changes_max; ++i) {
            committer.submit(nothing, [](const Result<queue::Applied>&) {});
        }
    }
    void clear() { clear_.count_down(); }

private:
    std::latch standing_{1};
    std::latch clear_{1};
};

class BusyStoreTest : public RelayTest {
protected:
    BusyStoreTest() {
        set_phase(Phase::pass_new, true);
        auto next = make_config();
        next.servers["new"].address = {"127.0.0.1", peer_.port()};
        next.servers["new"].connections = 1;
        config_.apply(std::move(next));
    }
    ~BusyStoreTest() override {
        lane_.stop();
        tasks_.abort();
        loop_.run(tasks_.join());
        loop_.run(peer_.stop());
        EXPECT_EQ(peer_.problems(), std::vector<std::string>{});
    }
    MessageId accept_due() { return accept({{"a@example.com", {State::due, "new"}}}); }
    // The loop goes on for a while in which nothing can be waited for.
    void go_on() { loop_.context().restart(), loop_.context().run_for(300ms); }
    queue::ReleaseJob order() {
        queue::ReleaseJob job;
        job.filter.domain = example();
        job.filter.wave = "default";
        job.server = "new";
        job.who = "ann";
        return job;
    }
    bool has_ended(std::size_t release) {
        return queue::is_over(queue_->store().releases().value().at(release).state);
    }
    void fill(std::size_t recipients) {
        std::vector<To> to;
        for (std::size_t n = 0; n < recipients; ++n) {
            to.push_back({"u" + std::to_string(n) + "@example.com", {}});
        }
        filled_ = accept(to);
    }

    test::ScriptedPeer peer_{loop_.executor()};
    config::Live config_{make_config()};
    net::TaskGroup tasks_{loop_.executor(), "lane", 64};
    LaneContext context_{*queue_, config_, tasks_, metrics_, [](const std::string&, WallTime) {}};
    Lane lane_{"new", context_};
    int wakes_ = 0;
    std::function<void()> on_wake_;
    ReleaseController releases_{*queue_, config_, tasks_, [this](WallTime) {
                                    ++wakes_;
                                    if (on_wake_) {
                                        on_wake_();
                                    }
                                }};
    MessageId filled_;
};

// Left in flight, nobody would look at it before the next start.
TEST_F(BusyStoreTest, AnOutcomeIsRecordedWhenTheStoreTakesItAgain) {
    peer_.expect(test::hello({"8BITMIME"}) + takes_message());
    const MessageId id = accept_due();
    std::unique_ptr<Jam> jam;
    peer_.on_line = [&](std::string_view line) {
        if (line == ".") {
            jam = std::make_unique<Jam>(queue_->committer());
        }
    };
    ASSERT_TRUE(lane_.start());
    run_until([&] { return lane_.status().last_delivery_at.has_value(); });
    go_on();
    EXPECT_EQ(row({id, 0}).state, State::in_flight);
    jam->clear();
    run_until([&] { return count(State::delivered) == 1 && lane_.status().in_flight == 0; });
    EXPECT_EQ(peer_.messages().size(), 1U);
}

TEST_F(BusyStoreTest, AReleaseGoesOnWhenTheStoreTakesItAgain) {
    fill(1500);
    ASSERT_TRUE(get(releases_.order(order())));
    Jam jam{queue_->committer()};
    go_on();
    jam.clear();
    run_until([&] { return count(State::due) == 1500; });
    run_until([&] { return has_ended(0); });
}

// Each page gives its rows a key further on, where the walk meets them again.
TEST_F(BusyStoreTest, WhatIsDueIsReleasedOnce) {
    fill(1500);
    ASSERT_TRUE(get(releases_.order(order())));
    run_until([&] { return has_ended(0); });
    clock_.advance(1min);
    auto again = order();
    again.filter.state = State::due;
    ASSERT_TRUE(get(releases_.order(std::move(again))));
    run_until([&] { return has_ended(1); });
    EXPECT_EQ(queue_->store().releases().value().at(1).chosen, 1500U);
    EXPECT_EQ(
        ledger_of({filled_, 0}),
        (std::vector<LedgerKind>{LedgerKind::accepted, LedgerKind::released, LedgerKind::released})
    );
}

// Else a flip to hold and on to pass_old would send to the old server what was held.
TEST_F(BusyStoreTest, WhatAPhaseReleasesStopsWithThePhase) {
    set_phase(Phase::hold);
    set_phase(Phase::release);
    fill(2500);
    on_wake_ = [&] {
        if (wakes_ == 1) {
            set_phase(Phase::hold);
        }
    };
    auto phases_own = order();
    phases_own.filter.kept = false;
    phases_own.pinned = false;
    ASSERT_TRUE(get(releases_.order(std::move(phases_own))));
    run_until([&] { return has_ended(0); });
    EXPECT_EQ(count(State::due), limits::change_page_rows);
    EXPECT_EQ(queue_->store().releases().value().at(0).state, queue::ReleaseState::cancelled);
}

// 5xx between the look and the move: the operator decides, not the phase.
TEST_F(BusyStoreTest, AFlipLeavesAloneWhatWasParkedMeanwhile) {
    const MessageId id = accept_due();
    const std::vector<queue::Recipient> seen{row({id, 0})};
    set_phase(Phase::hold);
    move(queue::Event::park, {id, 0});
    ASSERT_TRUE(get(redirect(*queue_, seen, context_.wake_lane)));
    EXPECT_EQ(row({id, 0}).state, State::parked);
}

TEST_F(BusyStoreTest, AClockThatIsSetBackDoesNotStopTheLane) {
    peer_.expect({{"", "421 4.3.2 not yet"}});
    const MessageId first = accept_due();
    ASSERT_TRUE(lane_.start());
    run_until([&] { return row({first, 0}).attempts == 1 && count(State::in_flight) == 0; });
    peer_.expect(test::hello({"8BITMIME"}) + takes_message());
    clock_.advance(-24h);
    const MessageId second = accept_due();
    lane_.wake(clock_.now());
    go_on();
    clock_.advance(61s);
    lane_.wake(clock_.now());
    run_until([&] { return ledger_of({second, 0}).back() == LedgerKind::delivered; });
}

}  // namespace
}  // namespace siding::relay

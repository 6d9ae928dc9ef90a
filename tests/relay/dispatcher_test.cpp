#include "relay/dispatcher.hpp"

#include "tests/relay/relay_fixture.hpp"
#include "tests/support/scripted_peer.hpp"

namespace siding::relay {
namespace {

using test::Script;
using test::takes_message;

class DispatcherTest : public RelayTest {
protected:
    DispatcherTest() {
        set_phase(Phase::hold, true);
        auto next = make_config();
        next.servers["new"].address = {"127.0.0.1", peer_.port()};
        next.servers["new"].connections = 1;
        config_.apply(std::move(next));
    }
    ~DispatcherTest() override {
        loop_.run(dispatcher_.stop(std::chrono::milliseconds{100}));
        loop_.run(peer_.stop());
        EXPECT_EQ(peer_.problems(), std::vector<std::string>{});
    }

    std::optional<Phase> phase() const { return queue_->phases()->find(example()); }
    std::uint64_t hold(const std::string& address) {
        queue::Filter filter;
        EXPECT_TRUE(queue::set_recipient(filter, address));
        auto held = get(dispatcher_.mover().move_all(queue::Event::hold, filter, "ann", "wait"));
        return held.value();
    }

    test::ScriptedPeer peer_{loop_.executor()};
    config::Live config_{make_config()};
    Dispatcher dispatcher_{*queue_, config_, loop_.executor(), metrics_};
};

// Promise 3: held mail stays held, it never leaves by itself.
TEST_F(DispatcherTest, PhaseReleaseLeavesAnOperatorsHoldAlone) {
    peer_.expect(test::hello({"8BITMIME"}) + takes_message() + takes_message() + takes_message());
    accept({{"a@example.com", {}}});
    const MessageId kept = accept({{"kept@example.com", {}}});
    accept({{"b@example.com", {}}});
    EXPECT_EQ(hold("kept@example.com"), 1U);
    set_phase(Phase::release);
    ASSERT_TRUE(get(dispatcher_.start()));
    run_until([&] { return phase() == Phase::pass_new; });
    EXPECT_EQ(count(State::delivered), 2U);
    EXPECT_EQ(row({kept, 0}).state, State::held);
    EXPECT_TRUE(row({kept, 0}).kept);

    queue::ReleaseJob job;
    job.filter.domain = example();
    job.server = "new";
    ASSERT_TRUE(get(dispatcher_.releases().order(std::move(job))));
    run_until([&] { return count(State::delivered) == 3; });
}

TEST_F(DispatcherTest, AHoldDuringTheReleaseStays) {
    peer_.expect({{"", "421 4.3.2 not yet"}});
    const MessageId kept = accept({{"kept@example.com", {}}});
    const MessageId other = accept({{"other@example.com", {}}});
    set_phase(Phase::release);
    ASSERT_TRUE(get(dispatcher_.start()));
    run_until([&] {
        return !peer_.lines().empty() || row({kept, 0}).attempts + row({other, 0}).attempts > 0;
    });
    run_until([&] { return count(State::in_flight) == 0; });
    EXPECT_EQ(hold("kept@example.com"), 1U);

    peer_.expect(test::hello({"8BITMIME"}) + takes_message());
    clock_.advance(std::chrono::minutes{2});
    dispatcher_.wake_all(clock_.now());
    run_until([&] { return phase() == Phase::pass_new; });
    EXPECT_EQ(count(State::delivered), 1U);
    EXPECT_EQ(row({kept, 0}).state, State::held);
    for (const auto& job : queue_->store().releases().value()) {
        EXPECT_EQ(job.filter.kept, false);
        EXPECT_EQ(job.who, "sidingd");
        EXPECT_FALSE(job.pinned);
    }
}

TEST_F(DispatcherTest, APhaseWithNothingButKeptMailMovesOn) {
    const MessageId kept = accept({{"kept@example.com", {}}});
    EXPECT_EQ(hold("kept@example.com"), 1U);
    set_phase(Phase::release);
    ASSERT_TRUE(get(dispatcher_.start()));
    run_until([&] { return phase() == Phase::pass_new; });
    EXPECT_EQ(row({kept, 0}).state, State::held);
    EXPECT_TRUE(queue_->store().releases().value().empty());
    EXPECT_EQ(peer_.connections(), 0U);
}

TEST_F(DispatcherTest, AFlipBackToHoldCatchesWhatHasNotLeft) {
    peer_.expect({{"", "421 4.3.2 not yet"}});
    const MessageId id = accept({{"a@example.com", {}}});
    set_phase(Phase::release);
    ASSERT_TRUE(get(dispatcher_.start()));
    run_until([&] { return row({id, 0}).attempts == 1 && count(State::in_flight) == 0; });
    set_phase(Phase::hold);
    clock_.advance(std::chrono::minutes{2});
    dispatcher_.wake_all(clock_.now());
    run_until([&] { return count(State::held) == 1; });
    EXPECT_FALSE(row({id, 0}).kept);
    EXPECT_EQ(phase(), Phase::hold);
}

}  // namespace
}  // namespace siding::relay

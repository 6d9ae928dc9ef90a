// A lane to a scripted server.
#pragma once

#include "relay/lane.hpp"
#include "tests/relay/relay_fixture.hpp"
#include "tests/support/scripted_peer.hpp"

#include <memory>
#include <string>
#include <vector>

namespace siding::relay {

class LaneTest : public RelayTest {
protected:
    LaneTest() {
        set_phase(Phase::pass_new, true);
        auto next = make_config();
        next.servers["new"].address = {"127.0.0.1", peer_.port()};
        next.servers["new"].connections = 1;
        config_.apply(std::move(next));
    }
    ~LaneTest() override {
        stop();
        loop_.run(peer_.stop());
        EXPECT_EQ(peer_.problems(), std::vector<std::string>{});
    }

    void start() {
        running_ = std::make_unique<Running>(*this);
        ASSERT_TRUE(running_->lane.start());
    }
    void stop() {
        if (running_) {
            running_->lane.stop();
            running_->tasks.abort();
            loop_.run(running_->tasks.join());
            running_.reset();
        }
    }
    Lane& lane() { return running_->lane; }

    // One message for so many recipients: u0@example.com and on.
    MessageId accept_due(std::size_t recipients = 1, const std::string& body = "hi\r\n") {
        std::vector<To> to;
        for (std::size_t n = 0; n < recipients; ++n) {
            to.push_back({"u" + std::to_string(n) + "@example.com", {State::due, "new"}});
        }
        return accept(to, body);
    }
    bool has_ended(LedgerKind kind, RecipientId id) const { return ledger_of(id).back() == kind; }
    // No recipient is out of the store's hands, and the lane knows it.
    bool is_quiet() const { return running_->lane.status().in_flight == 0; }

    test::ScriptedPeer peer_{loop_.executor()};
    config::Live config_{make_config()};
    std::vector<std::string> woken_;
    const RemapTable* remaps_ = nullptr;

    // From a start to a stop.
    struct Running {
        explicit Running(LaneTest& test)
            : tasks{test.loop_.executor(), "lane", 64},
              context{
                  *test.queue_,
                  test.config_,
                  tasks,
                  test.metrics_,
                  [&test](const std::string& server, WallTime) { test.woken_.push_back(server); },
                  nullptr,
                  test.remaps_},
              lane{"new", context} {}
        net::TaskGroup tasks;
        LaneContext context;
        Lane lane;
    };
    std::unique_ptr<Running> running_;
};

}  // namespace siding::relay

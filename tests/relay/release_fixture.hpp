// Release jobs without lanes: the test itself says what servers answer.
#pragma once

#include "relay/release_controller.hpp"
#include "tests/relay/relay_fixture.hpp"

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace siding::relay {

using queue::ReleaseState;

class ReleaseTest : public RelayTest {
protected:
    ReleaseTest() { set_phase(Phase::hold, true); }
    ~ReleaseTest() override { stop(); }

    // A run of the daemon: its jobs and what they woke.
    struct Run {
        explicit Run(ReleaseTest& test)
            : tasks{test.loop_.executor(), "releases", 8},
              releases{*test.queue_, test.config_, tasks, [this](WallTime) {
                           ++wakes;
                           if (on_wake) {
                               on_wake();
                           }
                       }} {}
        net::TaskGroup tasks;
        int wakes = 0;
        std::function<void()> on_wake;
        ReleaseController releases;
    };
    Run& run() {
        if (run_ == nullptr) {
            run_ = std::make_unique<Run>(*this);
        }
        return *run_;
    }
    void stop() {
        if (run_ != nullptr) {
            run_->tasks.cancel();
            loop_.run(run_->tasks.join());
            run_.reset();
        }
    }
    // As after a crash: what the queue knows is what there is.
    void restart() {
        stop();
        queue_.reset();
        open();
        ASSERT_TRUE(get(run().releases.resume_all()));
    }

    static queue::ReleaseJob make_order() {
        queue::ReleaseJob job;
        job.filter.domain = example();
        job.server = "new";
        job.who = "ann";
        return job;
    }
    std::uint64_t order(queue::ReleaseJob job) {
        return get(run().releases.order(std::move(job))).value();
    }
    ReleaseReport report(std::uint64_t id) { return get(run().releases.find(id)).value(); }
    queue::ReleaseJob stored(std::uint64_t id) {
        for (const queue::ReleaseJob& job : queue_->store().releases().value()) {
            if (job.id == id) {
                return job;
            }
        }
        ADD_FAILURE() << "there is no release " << id;
        return {};
    }
    void run_until_state(std::uint64_t id, ReleaseState state) {
        run_until([&] { return stored(id).state == state; });
    }
    ReleaseController::Command command(std::uint64_t id, bool recall = false) {
        ReleaseController::Command out;
        out.release = id;
        out.who = "bob";
        out.recall = recall;
        return out;
    }

    // One message of so many recipients: u0@example.com and on.
    MessageId fill(std::size_t recipients, const std::string& body = "hi\r\n") {
        std::vector<To> to;
        for (std::size_t n = 0; n < recipients; ++n) {
            to.push_back({"u" + std::to_string(n) + "@example.com", {}});
        }
        return accept(to, body);
    }

    std::vector<queue::Recipient> list(State state) {
        queue::Filter filter;
        filter.state = state;
        return queue_->store().list(filter, {}, 100'000).value().rows;
    }
    // What the server says to the first so many that are due.
    void answer(std::size_t recipients, queue::OutcomeKind kind, const std::string& reply = "") {
        queue::StartAttempt start;
        start.server = "new";
        for (const queue::Recipient& row : list(State::due)) {
            if (start.recipients.size() < recipients) {
                start.recipients.push_back(row.id);
            }
        }
        ASSERT_EQ(start.recipients.size(), recipients);
        queue::RecordOutcome outcome;
        outcome.server = "new";
        for (const RecipientId id : start.recipients) {
            outcome.outcomes.push_back({id, kind, reply, clock_.now() + std::chrono::hours{1}});
        }
        commit(std::move(start));
        commit(std::move(outcome));
    }

    config::Live config_{make_config()};
    std::unique_ptr<Run> run_;
};

}  // namespace siding::relay

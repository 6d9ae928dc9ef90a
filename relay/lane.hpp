// The outbound line to one server: claims due work in pages and hands it to a configured number of
// connections. An attempt is recorded before the server hears of the recipient, an outcome is
// durable before the recipient may be claimed again. Lives on one executor.
#pragma once

#include "base/metrics.hpp"
#include "config/live.hpp"
#include "net/task_group.hpp"
#include "queue/queue.hpp"
#include "relay/lane_status.hpp"
#include "relay/outbound_session.hpp"
#include "relay/redirect.hpp"
#include "relay/wakeup.hpp"

#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace siding::relay {

// What all lanes share; outlives their task group.
struct LaneContext {
    queue::Queue& queue;
    const config::Live& config;
    net::TaskGroup& tasks;
    Metrics& metrics;
    // Recipients were given to another lane, due at `earliest` or later.
    WakeLane wake_lane;
};

class Lane {
public:
    // A server in trouble is tried again at the latest after this.
    static constexpr std::chrono::milliseconds longest_pause = std::chrono::seconds{60};

    Lane(std::string server, const LaneContext& context);

    Result<void> start();

    // Something became due, at `earliest` or later: no search starts above it.
    void wake(WallTime earliest);

    // Takes no more work; what is under way is finished.
    void stop();

    LaneStatus status() const;

private:
    // Recipients of one message that go in one transaction.
    struct Job {
        MessageId message;
        std::vector<queue::Recipient> recipients;

        Job take_first(std::size_t recipients_max);  // the others stay
    };
    struct Prepared {
        queue::Envelope envelope;
        std::string first_chunk;
    };

    net::awaitable<void> feed();
    net::awaitable<Result<bool>> claim_page();
    net::awaitable<std::chrono::milliseconds> next_look();
    void add_jobs(std::vector<queue::Recipient> rows);
    bool wants_jobs() const;
    void staff();

    net::awaitable<void> work();
    net::awaitable<void> run_job(std::unique_ptr<OutboundSession>& session, const Job& job);
    net::awaitable<void> deliver(
        std::unique_ptr<OutboundSession>& session, const Prepared& prepared, const Job& job
    );
    net::awaitable<void> attempt(
        OutboundSession& session, const Prepared& prepared, const Job& job
    );
    net::awaitable<bool> open_session(std::unique_ptr<OutboundSession>& session, const Job& job);
    net::awaitable<Result<std::vector<queue::Recipient>>> start_attempt(const Job& job);
    net::awaitable<void> record(
        const Job& job, const std::vector<smtp::Verdict>& verdicts, const std::string& peer
    );
    net::awaitable<void> park_unreadable(const Job& job, const Error& error);
    net::awaitable<Result<queue::Applied>> commit_outcome(queue::Change change);
    void on_session_failure(const smtp::Verdict& verdict);
    net::awaitable<void> drop_stale(std::unique_ptr<OutboundSession>& session);
    void settle(const Job& job);
    void look_again(const std::vector<queue::Recipient>& rows);
    bool is_still_ours(const Job& job) const;
    WallTime now() const { return context_.queue.clock().now(); }

    std::string name_;
    const LaneContext& context_;
    TlsClients tls_clients_;
    Wakeup feed_;

    std::deque<Job> jobs_;
    std::set<RecipientId> claimed_;                        // handed out and not yet settled
    std::string cursor_;                                   // of the pass under way
    WallTime look_from_{};                                 // nothing is due on this lane before it
    std::chrono::steady_clock::time_point searched_at_{};  // when a pass last began at the start

    std::vector<Wakeup*> idle_;  // workers that wait for a job, most recent last
    std::size_t workers_ = 0;
    std::size_t connections_open_ = 0;
    bool stopping_ = false;

    std::uint32_t failures_ = 0;  // in a row, of the server as such
    WallTime paused_until_{};
    std::string last_error_;
    std::optional<WallTime> last_delivery_at_;
    Counter delivered_;
    Counter deferred_;
    Counter parked_;
};

}  // namespace siding::relay

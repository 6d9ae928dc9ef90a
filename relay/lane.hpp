// The outbound line to one server: claims due work in pages, records attempts for as many messages
// at once as its connections can take, and hands these out. An attempt is recorded before the
// server hears of the recipient, an outcome is durable before the recipient may be claimed again.
//
// lane.cpp claims, lane_loader.cpp reads and records attempts, lane_workers.cpp has the
// connections, lane_outcomes.cpp records what came of it, lane_health.cpp says whether and how much
// may go on. Lives on one executor.
#pragma once

#include "base/metrics.hpp"
#include "config/live.hpp"
#include "net/task_group.hpp"
#include "queue/queue.hpp"
#include "relay/breaker.hpp"
#include "relay/concurrency.hpp"
#include "relay/lane_jobs.hpp"
#include "relay/lane_limits.hpp"
#include "relay/lane_outcome.hpp"
#include "relay/lane_rate.hpp"
#include "relay/lane_status.hpp"
#include "relay/next_hop.hpp"
#include "relay/outbound_session.hpp"
#include "relay/redirect.hpp"
#include "relay/remap_table.hpp"
#include "relay/wakeup.hpp"

#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
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
    NextHops* next_hops = nullptr;       // nothing: the server's address alone
    const RemapTable* remaps = nullptr;  // nothing: no address is remapped
};

class Lane {
public:
    // A server in trouble is tried again at the latest after this.
    static constexpr std::chrono::milliseconds longest_pause = std::chrono::seconds{60};

    Lane(std::string server, const LaneContext& context);
    ~Lane();
    Lane(const Lane&) = delete;
    Lane& operator=(const Lane&) = delete;

    Result<void> start();

    // Something became due, at `earliest` or later: no search starts above it.
    void wake(WallTime earliest);

    // Takes no more work; what is under way is finished.
    void stop();

    LaneStatus status() const;

private:
    // Read from the store, to be sent in one or more transactions.
    struct Prepared {
        queue::Envelope envelope;
        std::string first_chunk;
    };
    // Its attempt is recorded, and nobody has heard of it yet.
    struct Started {
        Started(LaneJob what, std::shared_ptr<const Prepared> from)
            : job{std::move(what)}, prepared{std::move(from)} {}

        LaneJob job;
        std::shared_ptr<const Prepared> prepared;
    };
    // One worker with its connection, or on its way to one.
    struct Line;
    using Reading = Result<std::shared_ptr<const Prepared>>;

    // lane.cpp
    net::awaitable<void> feed();
    net::awaitable<Result<bool>> claim_page();
    void begin_pass();
    void abandon_pass();
    net::awaitable<std::chrono::milliseconds> next_look();
    bool wants_jobs() const;
    void give_back(const std::vector<queue::Recipient>& rows);
    void leave(const std::vector<queue::Recipient>& rows);
    void look_again(const std::vector<queue::Recipient>& rows);
    bool is_still_ours(const LaneJob& job) const;

    // lane_loader.cpp
    net::awaitable<void> load();
    std::vector<LaneJob> choose_batch();
    net::awaitable<void> load_batch(std::vector<LaneJob> batch);
    net::awaitable<std::vector<Started>> read_batch(std::vector<LaneJob> batch);
    net::awaitable<void> start_batch(std::vector<Started> batch);
    net::awaitable<std::vector<queue::Recipient>> start_attempt(LaneJob job);
    void stage(std::vector<Started> batch, std::vector<RecipientId> started);
    std::size_t demand() const;
    std::size_t recipients_max() const;
    net::awaitable<void> take_back_unsent();
    net::awaitable<void> take_back(std::deque<Started> unsent, std::string why);

    // lane_workers.cpp
    void staff();
    net::awaitable<void> work();
    net::awaitable<void> serve(Line& line);
    net::awaitable<bool> prepare(Line& line);
    net::awaitable<std::optional<smtp::Verdict>> connect(
        Line& line, std::optional<net::Endpoint> client
    );
    net::awaitable<std::optional<smtp::Verdict>> open(
        OutboundSession& session, const config::Config& config, std::optional<net::Endpoint> client
    );
    net::awaitable<void> hang_up(Line& line);
    net::awaitable<void> rest(Line& line);
    net::awaitable<void> pay_for(Line& line, smtp::Verdict failure);
    void pump(Line& line);
    net::awaitable<void> pump_for_clients(Line& line);
    void send(Line& line, Started started);
    Started next_staged(std::size_t recipients_max);
    net::awaitable<void> deliver(Line& line, std::shared_ptr<const Started> started);
    std::size_t room(const Line& line) const;
    bool is_good(const Line& line) const;
    bool has_work();
    std::size_t jobs_ready();
    void nudge_lines();

    // lane_outcomes.cpp
    net::awaitable<void> conclude(
        Line& line,
        std::vector<queue::Recipient> recipients,
        std::vector<smtp::Verdict> verdicts,
        std::vector<std::string> sent_as
    );
    net::awaitable<void> record(Line& line);
    std::vector<Trouble> judge(Line& line, const std::vector<smtp::Verdict>& verdicts);
    WallTime next_attempt_at(
        const queue::Recipient& recipient,
        const smtp::Verdict& verdict,
        Trouble trouble,
        bool is_culprit
    );
    void note(const queue::Recipient& recipient, const smtp::Verdict& verdict, Trouble trouble);
    void excuse(RecipientId id);
    net::awaitable<void> park_unreadable(std::vector<queue::Recipient> recipients, Error error);
    net::awaitable<Result<queue::Applied>> commit_outcome(queue::Change change);
    void settle(const std::vector<queue::Recipient>& rows);

    // lane_health.cpp
    void on_trouble(Line& line, Trouble trouble, const smtp::Verdict& verdict);
    void on_answer(bool delivered);
    void pause();
    bool may_go_on() const;  // nothing bars new transactions
    bool may_connect() const;
    bool is_probing() const;
    WallTime paused_until() const;
    std::size_t connections_allowed() const;
    bool others_work(const Line& line) const;
    void refresh();  // from the configuration and the clock

    const config::Server* server(const config::Config& config) const;
    WallTime now() const { return context_.queue.clock().now(); }

    std::string name_;
    const LaneContext& context_;
    TlsClients tls_clients_;
    Wakeup feed_;
    Wakeup loader_;

    // Claimed: handed out and not yet settled.
    std::set<RecipientId> claimed_;
    LaneJobs jobs_;
    std::string cursor_;                                   // of the pass under way
    WallTime pass_at_{};                                   // as far as it has come
    WallTime look_from_{};                                 // nothing is due on this lane before it
    WallTime overflow_from_ = WallTime::max();             // of rows that were left in the store
    std::chrono::steady_clock::time_point searched_at_{};  // when a pass last began at the start
    std::chrono::steady_clock::time_point overflow_at_{};  // when they were last looked for

    std::deque<Started> staged_;
    std::deque<Started> unsent_;     // that a flip has caught up with
    std::size_t loading_ = 0;        // transactions
    std::uint64_t octets_held_ = 0;  // of bodies in memory
    std::vector<Line*> lines_;
    std::size_t workers_ = 0;  // with those that have no line yet
    bool is_proxied_ = false;  // each connection is for one client of ours
    bool stopping_ = false;

    LaneLimits limits_;
    Breaker breaker_{std::chrono::seconds{1}, longest_pause};
    Concurrency concurrency_;
    bool cooling_stops_all_ = false;                  // else new connections only
    std::size_t messages_learnt_ = 0;                 // that a connection takes here; 0: any number
    std::map<RecipientId, std::uint32_t> uncounted_;  // attempts that were none of the recipient's
    std::map<std::string, std::uint32_t> mailbox_pressures_;  // in a row, by address

    std::string last_error_;
    std::string hint_;
    std::optional<WallTime> last_delivery_at_;
    std::uint64_t back_pressures_ = 0;
    LaneRate delivered_rate_;
    Counter delivered_;
    Counter deferred_;
    Counter parked_;
    Counter pressure_;
    Gauge connections_gauge_;
    Gauge allowed_gauge_;
    Gauge paused_gauge_;
};

}  // namespace siding::relay

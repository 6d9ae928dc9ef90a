// One release job at work: its canary first, then page by page at its pace, with an eye on what
// becomes of what it has moved. It keeps the job's record up to date and is done when nothing more
// can be refused. Lives on the executor of its task group.
#pragma once

#include "net/task_group.hpp"
#include "queue/queue.hpp"
#include "relay/release_pace.hpp"
#include "relay/release_report.hpp"
#include "relay/release_walk.hpp"
#include "relay/release_watch.hpp"
#include "relay/wakeup.hpp"

#include <chrono>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace siding::relay {

// What all release jobs share; outlives their task group.
struct ReleaseContext {
    queue::Queue& queue;
    net::TaskGroup& tasks;
    // Called after each page that made recipients due, at the given time or later.
    std::function<void(WallTime earliest)> wake_lanes;
};

class ReleaseTask {
public:
    ReleaseTask(const ReleaseContext& context, queue::ReleaseJob job);

    Result<void> start();  // nothing where it is at work already

    const queue::ReleaseJob& job() const { return job_; }
    // Also while its state is being changed.
    bool is_at_work() const { return at_work_ || changes_ > 0; }
    // Of a phase's job: what was there is due, and what comes is moved as it comes.
    bool has_caught_up() const { return caught_up_; }
    ReleaseReport report(const queue::Counters& counters) const;

    // The state is durable when it answers. `recall`: what is due and not under way goes back on
    // hold, in the background.
    net::awaitable<Result<void>> change_state(
        queue::ReleaseState state, std::string why, bool recall
    );

private:
    enum class Next { again, rest };

    // release_task.cpp: the states.
    net::awaitable<void> run();
    net::awaitable<Next> step();
    net::awaitable<Next> step_canary();
    net::awaitable<Next> step_running();
    net::awaitable<Next> step_complete();
    net::awaitable<Next> end_of_walk();
    net::awaitable<Next> follow();
    net::awaitable<Next> wait(std::chrono::milliseconds at_most);
    net::awaitable<Next> enter(queue::ReleaseState state, std::string_view why = {});
    net::awaitable<Next> pause_itself(std::string_view why);
    net::awaitable<Next> on_failure(const Error& error);
    net::awaitable<Result<void>> put();
    void look_around();
    bool is_ended_by_phase() const;
    bool has_new_mail() const;
    std::uint64_t held_for_phase() const;

    // release_task_pages.cpp: the queue.
    net::awaitable<Result<void>> measure();
    net::awaitable<Result<std::uint64_t>> move_page(std::size_t at_most);
    net::awaitable<Result<void>> take_page(std::size_t at_most);
    void begin_walk(std::vector<ReleasePass> plan);
    bool is_walked() const { return passes_.empty() && page_.empty(); }
    net::awaitable<Result<CanaryOutcome>> look_at_canary();
    net::awaitable<Result<std::vector<RecipientId>>> find_due(std::size_t ids_max);
    net::awaitable<Result<void>> recall();

    const ReleaseContext& context_;
    queue::ReleaseJob job_;
    Wakeup wakeup_;
    bool at_work_ = false;
    std::size_t changes_ = 0;
    bool measured_ = false;
    bool recall_wanted_ = false;

    bool walking_ = false;             // a plan is being followed
    std::deque<ReleasePass> passes_;   // of it, the first under way
    std::optional<ReleaseWalk> walk_;  // of the first pass
    std::vector<RecipientId> page_;    // taken from the walk and not moved yet
    std::chrono::milliseconds lead_{0};
    std::uint64_t walk_moved_ = 0;
    bool caught_up_ = false;
    std::uint64_t stuck_ = 0;  // held ones that the last walk of a phase's job did not find

    // What the canary has moved; not known after a restart.
    std::optional<std::vector<RecipientId>> canary_ids_;

    ReleasePace pace_;
    RejectWatch watch_;
    Throughput throughput_;
    queue::StateCounts counts_;
    std::chrono::steady_clock::time_point put_at_{};
};

}  // namespace siding::relay

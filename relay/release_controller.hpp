// All release jobs: takes orders, keeps each job's task, and answers for them. A job is kept in the
// queue, so it goes on after a restart in the state in which it was. May be called from any
// executor.
#pragma once

#include "config/live.hpp"
#include "relay/release_task.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace siding::relay {

class ReleaseController {
public:
    ReleaseController(
        queue::Queue& queue,
        const config::Live& config,
        net::TaskGroup& tasks,
        std::function<void(WallTime earliest)> wake_lanes
    );

    // Goes on with the jobs that the last run left unfinished.
    net::awaitable<Result<void>> resume_all();

    // A job with the configuration's rate, canary, order and threshold; the rest is the caller's.
    queue::ReleaseJob make_job() const;

    // Durable when it answers with the job's id; what it moves follows in the background. Without a
    // state in its filter it is for held mail; for what is here now, and not for what comes.
    net::awaitable<Result<std::uint64_t>> order(queue::ReleaseJob job);

    // The same with the filter, server, `pinned` and `who` of that job only: the rest is
    // make_job().
    net::awaitable<Result<std::uint64_t>> order_as_configured(queue::ReleaseJob job);

    // Errc::not_found; Errc::conflict where the job is not in a state for that.
    struct Command {
        std::uint64_t release = 0;
        std::string who;
        std::string why;
        bool recall = false;  // what is due goes back on hold
    };
    net::awaitable<Result<ReleaseReport>> pause(Command command);
    net::awaitable<Result<ReleaseReport>> resume(Command command);
    net::awaitable<Result<ReleaseReport>> cancel(Command command);

    net::awaitable<Result<std::vector<ReleaseReport>>> list();
    net::awaitable<Result<ReleaseReport>> find(std::uint64_t release);

    // --- For phase release, on the executor of the tasks.
    // The wave's own job that is not over; nothing without one.
    ReleaseTask* find_phase_task(const Domain& domain, const std::string& wave) const;
    net::awaitable<Result<std::uint64_t>> order_here(queue::ReleaseJob job);

private:
    net::awaitable<Result<void>> resume_all_here();
    net::awaitable<Result<ReleaseReport>> pause_here(Command command);
    net::awaitable<Result<ReleaseReport>> resume_here(Command command);
    net::awaitable<Result<ReleaseReport>> cancel_here(Command command);
    net::awaitable<Result<std::vector<ReleaseReport>>> list_here();
    net::awaitable<Result<ReleaseTask*>> find_task(std::uint64_t release);
    void forget_done();

    queue::Queue& queue_;
    const config::Live& config_;
    ReleaseContext context_;
    std::map<std::uint64_t, std::unique_ptr<ReleaseTask>> tasks_;
};

}  // namespace siding::relay

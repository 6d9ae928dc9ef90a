#include "relay/release_controller.hpp"

#include "base/bytes.hpp"
#include "base/limits.hpp"
#include "base/log.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <fmt/format.h>

namespace siding::relay {
namespace {

const Logger log{"relay"};

using net::awaitable;
using queue::ReleaseState;
using queue::State;

// Runs the work on the executor of the tasks, where nothing else of a job runs meanwhile.
template <typename T>
awaitable<T> run_there(boost::asio::any_io_executor executor, awaitable<T> work) {
    co_return co_await boost::asio::co_spawn(executor, std::move(work), boost::asio::use_awaitable);
}

Error not_known(std::uint64_t release) {
    return {
        Errc::not_found,
        fmt::format("there is no release {}; siding release list shows them", release)};
}

Error out_of_state(const queue::ReleaseJob& job, std::string_view what) {
    return {
        Errc::conflict,
        fmt::format(
            "release {} is {} and cannot be {}",
            job.id,
            queue::format_release_state(job.state),
            what
        )};
}

std::string reason(const ReleaseController::Command& command, std::string_view what) {
    return command.why.empty() ? fmt::format("{} by {}", what, command.who) : command.why;
}

Result<void> check_recall(const queue::ReleaseJob& job, bool recall) {
    if (recall && job.filter.state != State::held) {
        return Error{
            Errc::invalid_argument,
            fmt::format(
                "release {} is for mail that was {}; only what was held can be recalled",
                job.id,
                queue::format_state(job.filter.state.value_or(State::held))
            )};
    }
    return {};
}

}  // namespace

ReleaseController::ReleaseController(
    queue::Queue& queue,
    const config::Live& config,
    net::TaskGroup& tasks,
    std::function<void(WallTime)> wake_lanes
)
    : queue_{queue}, config_{config}, context_{queue, tasks, std::move(wake_lanes)} {}

awaitable<Result<void>> ReleaseController::resume_all() {
    co_return co_await run_there(context_.tasks.executor(), resume_all_here());
}

awaitable<Result<std::uint64_t>> ReleaseController::order(queue::ReleaseJob job) {
    co_return co_await run_there(context_.tasks.executor(), order_here(std::move(job)));
}

awaitable<Result<std::uint64_t>> ReleaseController::order_as_configured(queue::ReleaseJob job) {
    queue::ReleaseJob configured = make_job();
    configured.filter = std::move(job.filter);
    configured.server = std::move(job.server);
    configured.pinned = job.pinned;
    configured.who = std::move(job.who);
    co_return co_await order(std::move(configured));
}

awaitable<Result<ReleaseReport>> ReleaseController::pause(Command command) {
    co_return co_await run_there(context_.tasks.executor(), pause_here(std::move(command)));
}

awaitable<Result<ReleaseReport>> ReleaseController::resume(Command command) {
    co_return co_await run_there(context_.tasks.executor(), resume_here(std::move(command)));
}

awaitable<Result<ReleaseReport>> ReleaseController::cancel(Command command) {
    co_return co_await run_there(context_.tasks.executor(), cancel_here(std::move(command)));
}

awaitable<Result<std::vector<ReleaseReport>>> ReleaseController::list() {
    co_return co_await run_there(context_.tasks.executor(), list_here());
}

awaitable<Result<ReleaseReport>> ReleaseController::find(std::uint64_t release) {
    SIDING_CO_ASSIGN(std::vector<ReleaseReport> reports, co_await list());
    const auto found = std::ranges::find_if(reports, [&](const ReleaseReport& report) {
        return report.job.id == release;
    });
    if (found == reports.end()) {
        co_return not_known(release);
    }
    co_return std::move(*found);
}

queue::ReleaseJob ReleaseController::make_job() const {
    const config::Release defaults = config_.get()->release;
    queue::ReleaseJob job;
    job.rate_per_minute = defaults.rate;
    job.canary = defaults.canary;
    job.pause_percent = defaults.pause_percent;
    switch (defaults.order) {
    case config::Release::Order::oldest:
        job.order = queue::ReleaseOrder::oldest;
        break;
    case config::Release::Order::small_first:
        job.order = queue::ReleaseOrder::small_first;
        break;
    }
    return job;
}

awaitable<Result<void>> ReleaseController::resume_all_here() {
    auto all_jobs = [](const queue::Store& store) { return store.releases(); };
    SIDING_CO_ASSIGN(
        std::vector<queue::ReleaseJob> jobs, co_await queue_.read(std::move(all_jobs))
    );
    const queue::Counters counters = queue_.store().counters();
    for (queue::ReleaseJob& job : jobs) {
        const auto counts = counters.releases.find(job.id);
        std::uint64_t under_way = 0;
        if (counts != counters.releases.end()) {
            // Each page is counted with its move; the job's own record follows a moment later.
            job.chosen = std::max(job.chosen, counts->second.total());
            under_way = counts->second.of(State::due) + counts->second.of(State::in_flight);
        }
        const bool rests = job.state == ReleaseState::cancelled ||
                           (job.state == ReleaseState::complete && under_way == 0);
        if (rests) {
            continue;
        }
        log.info(
            "release_resumed",
            {{"release", job.id},
             {"state", queue::format_release_state(job.state)},
             {"chosen", job.chosen}}
        );
        auto task = std::make_unique<ReleaseTask>(context_, std::move(job));
        if (task->job().state != ReleaseState::paused) {
            SIDING_CO_TRY(task->start());
        }
        tasks_.insert_or_assign(task->job().id, std::move(task));
    }
    co_return Result<void>{};
}

awaitable<Result<std::uint64_t>> ReleaseController::order_here(queue::ReleaseJob job) {
    if (job.first.size() > limits::release_first_max) {
        co_return Error{
            Errc::invalid_argument,
            fmt::format("at most {} addresses can go first", limits::release_first_max)};
    }
    forget_done();
    job.id = 0;
    job.chosen = 0;
    job.total = 0;
    job.state = job.canary > 0 ? ReleaseState::canary : ReleaseState::running;
    job.ordered_at = queue_.clock().now();
    job.changed_at = job.ordered_at;
    if (!job.filter.state) {
        job.filter.state = State::held;
    }
    if (!job.of_phase) {
        // Exactly what is here now: mail that comes later is not part of this order.
        job.filter.up_to = queue_.next_id();
    }
    queue::Change order = queue::PutRelease{job};
    SIDING_CO_ASSIGN(const queue::Applied put, co_await queue_.commit(std::move(order)));
    job.id = put.release_id;
    log.info("release_ordered", {{"release", job.id}, {"route", job.server}, {"who", job.who}});
    const std::uint64_t id = job.id;
    auto task = std::make_unique<ReleaseTask>(context_, std::move(job));
    SIDING_CO_TRY(task->start());
    tasks_.insert_or_assign(id, std::move(task));
    co_return id;
}

awaitable<Result<ReleaseReport>> ReleaseController::pause_here(Command command) {
    SIDING_CO_ASSIGN(ReleaseTask* const task, co_await find_task(command.release));
    const queue::ReleaseJob& job = task->job();
    const bool has_moved_all = job.state == ReleaseState::complete;
    if (has_moved_all && !command.recall) {
        co_return Error{
            Errc::conflict,
            fmt::format(
                "release {} has let everything go; --recall takes back what is still due", job.id
            )};
    }
    if (job.state == ReleaseState::cancelled) {
        co_return out_of_state(job, "paused");
    }
    SIDING_CO_TRY(check_recall(job, command.recall));
    std::string why = reason(command, "paused");
    SIDING_CO_TRY(co_await task->change_state(ReleaseState::paused, std::move(why), command.recall)
    );
    log.info("release_paused", {{"release", job.id}, {"who", command.who}});
    co_return task->report(queue_.store().counters());
}

awaitable<Result<ReleaseReport>> ReleaseController::resume_here(Command command) {
    SIDING_CO_ASSIGN(ReleaseTask* const task, co_await find_task(command.release));
    const queue::ReleaseJob& job = task->job();
    if (job.state != ReleaseState::paused) {
        co_return out_of_state(job, "resumed");
    }
    // Also after a canary: who resumes it has seen what came of it.
    std::string why = command.why;
    SIDING_CO_TRY(co_await task->change_state(ReleaseState::running, std::move(why), false));
    log.info("release_resumed", {{"release", job.id}, {"who", command.who}});
    co_return task->report(queue_.store().counters());
}

awaitable<Result<ReleaseReport>> ReleaseController::cancel_here(Command command) {
    SIDING_CO_ASSIGN(ReleaseTask* const task, co_await find_task(command.release));
    const queue::ReleaseJob& job = task->job();
    if (job.of_phase && !queue::is_over(job.state) &&
        queue_.phases()->find(*job.filter.domain, *job.filter.wave) == Phase::release) {
        co_return Error{
            Errc::conflict,
            fmt::format(
                "release {} is what phase release of {}/{} does; pause it, or flip the phase",
                job.id,
                job.filter.domain->text(),
                *job.filter.wave
            )};
    }
    if (job.state == ReleaseState::cancelled ||
        (job.state == ReleaseState::complete && !command.recall)) {
        co_return out_of_state(job, "cancelled");
    }
    SIDING_CO_TRY(check_recall(job, command.recall));
    std::string why = reason(command, "cancelled");
    const auto changed =
        co_await task->change_state(ReleaseState::cancelled, std::move(why), command.recall);
    SIDING_CO_TRY(changed);
    log.info("release_cancelled", {{"release", job.id}, {"who", command.who}});
    co_return task->report(queue_.store().counters());
}

// Jobs before counters: a job that is complete then shows all that it moved.
awaitable<Result<std::vector<ReleaseReport>>> ReleaseController::list_here() {
    auto read = [](const queue::Store& store) { return store.releases(); };
    SIDING_CO_ASSIGN(
        const std::vector<queue::ReleaseJob> jobs, co_await queue_.read(std::move(read))
    );
    std::vector<ReleaseReport> reports;
    std::vector<const ReleaseTask*> tasks;
    for (const queue::ReleaseJob& job : jobs) {
        const auto task = tasks_.find(job.id);
        tasks.push_back(task == tasks_.end() ? nullptr : task->second.get());
        ReleaseReport report;
        report.job = tasks.back() == nullptr ? job : tasks.back()->job();
        reports.push_back(std::move(report));
    }
    const queue::Counters counters = queue_.store().counters();
    for (std::size_t i = 0; i < reports.size(); ++i) {
        if (tasks[i] != nullptr) {
            reports[i] = tasks[i]->report(counters);
        } else if (const auto counts = counters.releases.find(reports[i].job.id);
                   counts != counters.releases.end()) {
            reports[i].counts = counts->second;
        }
    }
    co_return reports;
}

awaitable<Result<ReleaseTask*>> ReleaseController::find_task(std::uint64_t release) {
    if (const auto found = tasks_.find(release); found != tasks_.end()) {
        co_return found->second.get();
    }
    auto read = [](const queue::Store& store) { return store.releases(); };
    SIDING_CO_ASSIGN(std::vector<queue::ReleaseJob> jobs, co_await queue_.read(std::move(read)));
    const auto job = std::ranges::find(jobs, release, &queue::ReleaseJob::id);
    if (job == jobs.end()) {
        co_return not_known(release);
    }
    auto& task = tasks_[release];
    if (task == nullptr) {
        task = std::make_unique<ReleaseTask>(context_, std::move(*job));
    }
    co_return task.get();
}

ReleaseTask* ReleaseController::find_phase_task(const Domain& domain, const std::string& wave)
    const {
    for (const auto& [id, task] : tasks_) {
        const queue::ReleaseJob& job = task->job();
        if (job.of_phase && !queue::is_over(job.state) && job.filter.domain == domain &&
            job.filter.wave == wave) {
            return task.get();
        }
    }
    return nullptr;
}

void ReleaseController::forget_done() {
    std::erase_if(tasks_, [](const auto& entry) {
        return !entry.second->is_at_work() && queue::is_over(entry.second->job().state);
    });
}

}  // namespace siding::relay

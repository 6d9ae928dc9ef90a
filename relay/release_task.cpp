// The states of a release job, and how it gets from one to the next.
#include "relay/release_task.hpp"

#include "base/check.hpp"
#include "base/limits.hpp"
#include "base/log.hpp"
#include "relay/router.hpp"

#include <boost/asio/this_coro.hpp>

#include <algorithm>

namespace siding::relay {
namespace {

const Logger log{"relay"};

using net::awaitable;
using queue::ReleaseState;
using queue::State;
using std::chrono::steady_clock;

constexpr auto retry_pause = std::chrono::seconds{1};  // after what the store did not take

}  // namespace

ReleaseTask::ReleaseTask(const ReleaseContext& context, queue::ReleaseJob job)
    : context_{context},
      job_{std::move(job)},
      wakeup_{context.tasks.executor()},
      measured_{job_.total > 0 || job_.of_phase},
      pace_{job_.rate_per_minute, steady_clock::now()},
      watch_{job_.pause_percent} {
    look_around();
}

Result<void> ReleaseTask::start() {
    if (at_work_) {
        return {};
    }
    look_around();
    watch_.restart(counts_.of(State::delivered), counts_.of(State::parked));
    pace_ = {job_.rate_per_minute, steady_clock::now()};
    SIDING_TRY(context_.tasks.spawn(run()));
    at_work_ = true;
    return {};
}

ReleaseReport ReleaseTask::report(const queue::Counters& counters) const {
    ReleaseReport out;
    out.job = job_;
    if (const auto found = counters.releases.find(job_.id); found != counters.releases.end()) {
        out.counts = found->second;
    }
    if (!queue::is_over(job_.state)) {
        out.left =
            job_.of_phase ? held_for_phase() : job_.total - std::min(job_.total, job_.chosen);
    }
    out.ended_per_minute = throughput_.per_minute();
    if (at_work_ && job_.state != ReleaseState::paused) {
        out.time_left =
            time_left({out.left, out.waiting(), job_.rate_per_minute, out.ended_per_minute});
    }
    return out;
}

awaitable<Result<void>> ReleaseTask::change_state(
    ReleaseState state, std::string why, bool recall
) {
    const queue::ReleaseJob before = job_;
    job_.state = state;
    job_.why = std::move(why);
    job_.changed_at = context_.queue.clock().now();
    changes_ += 1;
    const auto stored = co_await put();
    changes_ -= 1;
    if (!stored) {
        job_.state = before.state;
        job_.why = before.why;
        job_.changed_at = before.changed_at;
        co_return stored.error();
    }
    walking_ = false;  // what went back on hold lies behind the walk
    recall_wanted_ = recall;
    wakeup_.nudge();
    if (recall || !(queue::is_over(state) || state == ReleaseState::paused)) {
        if (const auto started = start(); !started) {
            log.warn("release_waits", {{"release", job_.id}, {"reason", started.error()}});
        }
    }
    if (state == ReleaseState::running) {
        watch_.restart(counts_.of(State::delivered), counts_.of(State::parked));
    }
    co_return Result<void>{};
}

awaitable<void> ReleaseTask::run() {
    for (Next next = Next::again; next == Next::again;) {
        const auto state = co_await boost::asio::this_coro::cancellation_state;
        if (state.cancelled() != boost::asio::cancellation_type::none) {
            break;  // goes on after the restart
        }
        look_around();
        next = co_await step();
    }
    at_work_ = false;
}

awaitable<ReleaseTask::Next> ReleaseTask::step() {
    if (!measured_) {
        if (const auto measured = co_await measure(); !measured) {
            co_return co_await on_failure(measured.error());
        }
        measured_ = true;
    }
    if (recall_wanted_) {
        if (const auto recalled = co_await recall(); !recalled) {
            co_return co_await on_failure(recalled.error());
        }
        recall_wanted_ = false;
    }
    switch (job_.state) {
    case ReleaseState::canary:
        co_return co_await step_canary();
    case ReleaseState::running:
        co_return co_await step_running();
    case ReleaseState::complete:
        co_return co_await step_complete();
    case ReleaseState::paused:
    case ReleaseState::cancelled:
        co_return Next::rest;
    }
    SIDING_UNREACHABLE(queue::format_release_state(job_.state));
}

awaitable<ReleaseTask::Next> ReleaseTask::step_canary() {
    if (is_ended_by_phase()) {
        co_return co_await enter(ReleaseState::cancelled, "the phase has changed");
    }
    const std::uint64_t wanted = std::min(job_.canary, job_.filter.limit.value_or(UINT64_MAX));
    if (job_.chosen < wanted && !(walking_ && is_walked())) {
        if (!walking_) {
            begin_walk(plan_canary(job_));
        }
        const auto moved = co_await move_page(wanted - job_.chosen);
        if (!moved) {
            co_return co_await on_failure(moved.error());
        }
        co_return Next::again;
    }
    const auto outcome = co_await look_at_canary();
    if (!outcome) {
        co_return co_await on_failure(outcome.error());
    }
    const CanaryDecision decision = decide_canary(*outcome, job_.pause_percent);
    switch (decision.step) {
    case CanaryDecision::Step::wait:
        co_return co_await wait(limits::release_look_interval);
    case CanaryDecision::Step::stop:
        co_return co_await enter(ReleaseState::paused, decision.why);
    case CanaryDecision::Step::go:
        watch_.restart(counts_.of(State::delivered), counts_.of(State::parked));
        walking_ = false;
        co_return co_await enter(ReleaseState::running);
    }
    SIDING_UNREACHABLE("canary step");
}

awaitable<ReleaseTask::Next> ReleaseTask::step_running() {
    if (is_ended_by_phase()) {
        co_return co_await enter(ReleaseState::cancelled, "the phase has changed");
    }
    const auto refused = watch_.check(counts_.of(State::delivered), counts_.of(State::parked));
    if (refused) {
        co_return co_await pause_itself(*refused);
    }
    if (!walking_) {
        if (caught_up_ && !has_new_mail()) {
            co_return co_await follow();
        }
        begin_walk(plan_release(job_));
    }
    const std::uint64_t limit = job_.filter.limit.value_or(UINT64_MAX);
    if (is_walked() || job_.chosen >= limit) {
        co_return co_await end_of_walk();
    }
    const std::uint64_t under_way = counts_.of(State::due) + counts_.of(State::in_flight);
    const std::uint64_t allowed = pace_.allowed(steady_clock::now());
    const std::uint64_t at_most = std::min(
        {limit - job_.chosen,
         allowed,
         limits::release_ahead_max - std::min(under_way, limits::release_ahead_max)}
    );
    if (at_most == 0) {
        const auto pause = allowed == 0 ? pace_.wait() : limits::release_look_interval;
        co_return co_await wait(std::min<std::chrono::milliseconds>(
            std::max<std::chrono::milliseconds>(pause, std::chrono::milliseconds{10}),
            limits::release_look_interval
        ));
    }
    const auto moved = co_await move_page(at_most);
    if (!moved) {
        co_return co_await on_failure(moved.error());
    }
    pace_.took(*moved);
    if (job_.rate_per_minute > 0 && !is_walked()) {
        // A slice, and not what has trickled in meanwhile.
        co_return co_await wait(
            std::min<std::chrono::milliseconds>(pace_.wait(), limits::release_look_interval)
        );
    }
    co_return Next::again;
}

// Of what is complete the outcomes still count: what is refused now must stop what is still due.
awaitable<ReleaseTask::Next> ReleaseTask::step_complete() {
    const std::uint64_t under_way = counts_.of(State::due) + counts_.of(State::in_flight);
    const auto refused = watch_.check(counts_.of(State::delivered), counts_.of(State::parked));
    if (refused && under_way > 0 && job_.filter.state == State::held) {
        co_return co_await pause_itself(*refused);
    }
    if (under_way == 0) {
        co_return Next::rest;
    }
    co_return co_await wait(limits::release_look_interval);
}

// An order is complete then. A phase's job goes on with what has come since, as long as the phase.
awaitable<ReleaseTask::Next> ReleaseTask::end_of_walk() {
    if (!job_.of_phase) {
        job_.total = std::max(job_.total, job_.chosen);
        co_return co_await enter(ReleaseState::complete);
    }
    // Rows that cannot be read are counted and not found.
    stuck_ = walk_moved_ == 0 ? held_for_phase() : 0;
    caught_up_ = true;
    walking_ = false;
    co_return Next::again;
}

awaitable<ReleaseTask::Next> ReleaseTask::follow() {
    const auto phase = context_.queue.phases()->find(*job_.filter.domain, *job_.filter.wave);
    if (phase == Phase::release) {
        co_return co_await wait(limits::release_look_interval);
    }
    co_return co_await enter(ReleaseState::complete);
}

awaitable<ReleaseTask::Next> ReleaseTask::wait(std::chrono::milliseconds at_most) {
    if (at_most.count() > 0) {
        co_await wakeup_.wait(at_most);
    }
    co_return Next::again;
}

awaitable<ReleaseTask::Next> ReleaseTask::enter(ReleaseState state, std::string_view why) {
    const queue::ReleaseJob before = job_;
    job_.state = state;
    job_.why = why;
    job_.changed_at = context_.queue.clock().now();
    if (const auto stored = co_await put(); !stored) {
        // An order that came meanwhile stays.
        if (job_.state == state) {
            job_.state = before.state;
            job_.why = before.why;
            job_.changed_at = before.changed_at;
        }
        co_return co_await on_failure(stored.error());
    }
    const auto state_text = queue::format_release_state(state);
    if (state == ReleaseState::paused) {
        log.warn("release_paused", {{"release", job_.id}, {"why", job_.why}});
    } else {
        log.info(
            "release_state", {{"release", job_.id}, {"state", state_text}, {"chosen", job_.chosen}}
        );
    }
    co_return Next::again;
}

// Too many are refused: what is still due goes back, so that a pause is one.
awaitable<ReleaseTask::Next> ReleaseTask::pause_itself(std::string_view why) {
    const Next next = co_await enter(ReleaseState::paused, why);
    if (job_.state == ReleaseState::paused) {
        recall_wanted_ = job_.filter.state == State::held;
        walking_ = false;
    }
    co_return next;
}

// A store that is only busy must not end an order half-way.
awaitable<ReleaseTask::Next> ReleaseTask::on_failure(const Error& error) {
    log.error("release_failed", {{"release", job_.id}, {"reason", error}});
    if (context_.queue.store().failed()) {
        co_return Next::rest;  // goes on after the restart
    }
    co_return co_await wait(retry_pause);
}

awaitable<Result<void>> ReleaseTask::put() {
    queue::Change change = queue::PutRelease{job_};
    SIDING_CO_TRY(co_await context_.queue.commit(std::move(change)));
    put_at_ = steady_clock::now();
    co_return Result<void>{};
}

void ReleaseTask::look_around() {
    const queue::Counters counters = context_.queue.store().counters();
    const auto found = counters.releases.find(job_.id);
    counts_ = found == counters.releases.end() ? queue::StateCounts{} : found->second;
    throughput_.add(
        steady_clock::now(),
        counts_.of(State::delivered) + counts_.of(State::parked) + counts_.of(State::discarded)
    );
}

// What a phase has ordered ends with that phase: a later one must not find it due.
bool ReleaseTask::is_ended_by_phase() const {
    return !job_.pinned && job_.filter.domain && job_.filter.wave &&
           route(*context_.queue.phases(), *job_.filter.domain, *job_.filter.wave, {}) !=
               job_.server;
}

bool ReleaseTask::has_new_mail() const {
    const std::uint64_t held = held_for_phase();
    return held > 0 && held != stuck_;
}

std::uint64_t ReleaseTask::held_for_phase() const {
    const queue::Counters counters = context_.queue.store().counters();
    const auto found = counters.waves.find({job_.filter.domain->text(), *job_.filter.wave});
    // What an operator has put on hold by name stays: counts.kept of them.
    return found == counters.waves.end() ? 0 : found->second.of(State::held) - found->second.kept;
}

}  // namespace siding::relay

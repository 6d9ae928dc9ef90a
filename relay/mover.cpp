#include "relay/mover.hpp"

#include "base/limits.hpp"
#include "base/log.hpp"
#include "relay/router.hpp"
#include "relay/wakeup.hpp"

#include <boost/asio/this_coro.hpp>

#include <algorithm>

namespace siding::relay {
namespace {

const Logger log{"relay"};

using boost::asio::awaitable;

constexpr auto retry_pause = std::chrono::seconds{1};  // after a page that the store did not take

std::vector<RecipientId> ids_of(const queue::ListPage& page, std::uint64_t at_most) {
    std::vector<RecipientId> ids;
    for (const queue::Recipient& row : page.rows) {
        if (ids.size() < at_most) {
            ids.push_back(row.id);
        }
    }
    return ids;
}

}  // namespace

Mover::Mover(queue::Queue& queue, net::TaskGroup& tasks, std::function<void(WallTime)> wake_lanes)
    : queue_{queue}, tasks_{tasks}, wake_lanes_{std::move(wake_lanes)} {}

awaitable<Result<void>> Mover::resume() {
    auto all_jobs = [](const queue::Store& store) { return store.releases(); };
    SIDING_CO_ASSIGN(std::vector<queue::ReleaseJob> jobs, co_await queue_.read(all_jobs));
    const queue::Counters counters = queue_.store().counters();
    for (queue::ReleaseJob& job : jobs) {
        if (!job.complete) {
            // Each page is counted with its move; the job's own record follows a moment later.
            if (const auto moved = counters.releases.find(job.id);
                moved != counters.releases.end()) {
                job.chosen = std::max(job.chosen, moved->second.total());
            }
            log.info("release_resumed", {{"release", job.id}, {"chosen", job.chosen}});
            SIDING_CO_TRY(tasks_.spawn(run_release(std::move(job))));
        }
    }
    co_return Result<void>{};
}

awaitable<Result<std::uint64_t>> Mover::order_release(queue::ReleaseJob job) {
    job.id = 0;
    job.chosen = 0;
    job.complete = false;
    job.ordered_at = queue_.clock().now();
    if (!job.filter.state) {
        job.filter.state = queue::State::held;
    }
    // Exactly what is here now: mail that comes later is not part of this order.
    job.filter.up_to = queue_.next_id();
    queue::Change order = queue::PutRelease{job};
    SIDING_CO_ASSIGN(const queue::Applied put, co_await queue_.commit(std::move(order)));
    job.id = put.release_id;
    log.info("release_ordered", {{"release", job.id}, {"route", job.server}, {"who", job.who}});
    SIDING_CO_TRY(tasks_.spawn(run_release(job)));
    co_return job.id;
}

// Oldest due time first is by order of the job; within it the lanes see the oldest message first.
awaitable<void> Mover::run_release(queue::ReleaseJob job) {
    std::string cursor;
    for (;;) {
        const auto state = co_await boost::asio::this_coro::cancellation_state;
        if (state.cancelled() != boost::asio::cancellation_type::none) {
            co_return;  // goes on after the restart
        }
        const std::uint64_t limit = job.filter.limit.value_or(UINT64_MAX);
        auto list = [filter = job.filter, cursor](const queue::Store& store) {
            return store.list(filter, cursor, limits::change_page_rows);
        };
        auto page = co_await queue_.read(std::move(list));
        if (!page) {
            log.error("release_failed", {{"release", job.id}, {"reason", page.error()}});
            if (co_await waits_to_retry()) {
                continue;
            }
            co_return;
        }
        queue::MoveRecipients move;
        move.event = queue::Event::release;
        if (!is_recalled(job)) {
            move.recipients = ids_of(*page, limit - std::min(limit, job.chosen));
        }
        move.server = job.server;
        move.pinned = job.pinned;
        // Now, also where the clock has been set back since.
        const WallTime due_at = std::min(job.ordered_at, queue_.clock().now());
        move.due_at = due_at;
        move.release_id = job.id;
        move.still = job.filter;
        move.who = job.who;
        move.why = "release " + std::to_string(job.id);
        const bool asked_for_more = !move.recipients.empty();
        const auto moved = co_await queue_.commit(std::move(move));
        if (!moved) {
            log.error("release_failed", {{"release", job.id}, {"reason", moved.error()}});
            if (co_await waits_to_retry()) {
                continue;
            }
            co_return;
        }
        cursor = page->cursor;
        job.chosen += moved->moved;
        job.complete = cursor.empty() || !asked_for_more || job.chosen >= limit;
        queue::Change progress = queue::PutRelease{job};
        const auto put = co_await queue_.commit(std::move(progress));
        wake_lanes_(due_at);
        if (!put) {
            log.error("release_failed", {{"release", job.id}, {"reason", put.error()}});
            if (co_await waits_to_retry()) {
                continue;
            }
            co_return;
        }
        if (job.complete) {
            break;
        }
    }
    log.info("release_complete", {{"release", job.id}, {"chosen", job.chosen}});
}

// A store that is only busy must not end an order half-way.
awaitable<bool> Mover::waits_to_retry() {
    if (queue_.store().failed()) {
        co_return false;  // goes on after the restart
    }
    Wakeup pause{tasks_.executor()};
    co_await pause.wait(retry_pause);
    co_return true;
}

// What a phase has ordered ends with that phase: a later one must not find it due.
bool Mover::is_recalled(const queue::ReleaseJob& job) const {
    return !job.pinned && job.filter.domain && job.filter.wave &&
           route(*queue_.phases(), *job.filter.domain, *job.filter.wave, {}) != job.server;
}

awaitable<Result<std::uint64_t>> Mover::move_all(
    queue::Event event, queue::Filter filter, std::string who, std::string why
) {
    filter.up_to = queue_.next_id();
    const std::uint64_t limit = filter.limit.value_or(UINT64_MAX);
    std::uint64_t total = 0;
    std::string cursor;
    do {
        auto list = [filter, cursor](const queue::Store& store) {
            return store.list(filter, cursor, limits::change_page_rows);
        };
        SIDING_CO_ASSIGN(const queue::ListPage page, co_await queue_.read(std::move(list)));
        cursor = page.cursor;
        queue::MoveRecipients move;
        move.event = event;
        move.keep = event == queue::Event::hold;
        move.recipients = ids_of(page, limit - total);
        move.still = filter;
        move.who = who;
        move.why = why;
        SIDING_CO_ASSIGN(const queue::Applied applied, co_await queue_.commit(std::move(move)));
        total += applied.moved;
    } while (!cursor.empty() && total < limit);
    co_return total;
}

}  // namespace siding::relay

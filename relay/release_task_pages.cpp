// What a release job reads of the queue and moves in it.
#include "base/limits.hpp"
#include "base/log.hpp"
#include "relay/release_task.hpp"

#include <algorithm>
#include <iterator>

namespace siding::relay {
namespace {

const Logger log{"relay"};

using net::awaitable;
using queue::State;
using std::chrono::steady_clock;

constexpr auto put_interval = std::chrono::seconds{1};  // of the record, besides its state

// The counters know it where nothing but place and time narrows the choice.
std::optional<queue::Store::Total> total_of(
    const queue::Filter& filter, const queue::Counters& counters
) {
    queue::Filter plain;
    plain.domain = filter.domain;
    plain.wave = filter.wave;
    plain.state = State::held;
    plain.limit = filter.limit;
    plain.up_to = filter.up_to;
    if (filter != plain) {
        return std::nullopt;
    }
    queue::Store::Total total;
    for (const auto& [wave, counts] : counters.waves) {
        if ((!filter.domain || filter.domain->text() == wave.first) &&
            (!filter.wave || *filter.wave == wave.second)) {
            total.recipients += counts.of(State::held);
            total.octets += counts.held_octets;
        }
    }
    return total;
}

}  // namespace

awaitable<Result<void>> ReleaseTask::measure() {
    auto total = total_of(job_.filter, context_.queue.store().counters());
    if (!total) {
        auto count = [filter = job_.filter](const queue::Store& store) {
            return store.count(filter);
        };
        SIDING_CO_ASSIGN(total, co_await context_.queue.read(std::move(count)));
    }
    // After a restart the others have been moved.
    job_.total = std::min(job_.chosen + total->recipients, job_.filter.limit.value_or(UINT64_MAX));
    job_.total_octets = total->octets;
    co_return co_await put();
}

void ReleaseTask::begin_walk(std::vector<ReleasePass> plan) {
    passes_.assign(std::make_move_iterator(plan.begin()), std::make_move_iterator(plan.end()));
    walk_.reset();
    page_.clear();
    walk_moved_ = 0;
    walking_ = true;
}

// The next recipients in the order of the plan, a page of one pass.
awaitable<Result<void>> ReleaseTask::take_page(std::size_t at_most) {
    if (!walk_) {
        walk_.emplace(context_.queue, passes_.front());
    }
    const std::size_t rows_max = std::min(at_most, limits::change_page_rows);
    SIDING_CO_ASSIGN(page_, co_await walk_->next(rows_max));
    lead_ = walk_->pass().lead;
    if (walk_->at_end()) {
        walk_.reset();
        passes_.pop_front();
    }
    co_return Result<void>{};
}

awaitable<Result<std::uint64_t>> ReleaseTask::move_page(std::size_t at_most) {
    if (page_.empty()) {
        SIDING_CO_TRY(co_await take_page(at_most));
    }
    if (page_.empty()) {
        co_return std::uint64_t{0};
    }
    queue::MoveRecipients move;
    move.event = queue::Event::release;
    // What was taken before a failure may be more than what may go now.
    const std::size_t size = std::min(page_.size(), at_most);
    move.recipients.assign(page_.begin(), page_.begin() + static_cast<std::ptrdiff_t>(size));
    move.server = job_.server;
    move.pinned = job_.pinned;
    // Now, also where the clock has been set back since.
    const WallTime due_at = std::min(job_.ordered_at, context_.queue.clock().now()) - lead_;
    move.due_at = due_at;
    move.release_id = job_.id;
    move.still = job_.filter;
    move.who = job_.who;
    move.why = "release " + std::to_string(job_.id);
    const bool is_canary = job_.state == queue::ReleaseState::canary;
    queue::Change change{std::move(move)};
    SIDING_CO_ASSIGN(const queue::Applied moved, co_await context_.queue.commit(std::move(change)));
    const auto end = page_.begin() + static_cast<std::ptrdiff_t>(size);
    if (is_canary && job_.chosen == 0 && !canary_ids_) {
        canary_ids_.emplace();
    }
    if (is_canary && canary_ids_) {
        canary_ids_->insert(canary_ids_->end(), page_.begin(), end);
    }
    page_.erase(page_.begin(), end);
    job_.chosen += moved.moved;
    walk_moved_ += moved.moved;
    context_.wake_lanes(due_at);
    if (steady_clock::now() - put_at_ >= put_interval) {
        // Each page is counted with its move; the record may follow.
        if (const auto stored = co_await put(); !stored) {
            log.warn("release_record_late", {{"release", job_.id}, {"reason", stored.error()}});
        }
    }
    co_return moved.moved;
}

// Those of ours that are due.
awaitable<Result<std::vector<RecipientId>>> ReleaseTask::find_due(std::size_t ids_max) {
    queue::Filter due = job_.filter;
    due.state = State::due;
    due.kept.reset();
    due.cause.reset();
    due.server = job_.server;
    std::vector<RecipientId> ids;
    std::string cursor;
    do {
        auto list = [due, cursor](const queue::Store& store) {
            return store.list(due, cursor, limits::change_page_rows);
        };
        SIDING_CO_ASSIGN(const queue::ListPage page, co_await context_.queue.read(std::move(list)));
        cursor = page.cursor;
        for (const queue::Recipient& row : page.rows) {
            if (row.release_id == job_.id) {
                ids.push_back(row.id);
            }
        }
    } while (!cursor.empty() && ids.size() < ids_max);
    co_return ids;
}

awaitable<Result<void>> ReleaseTask::recall() {
    SIDING_CO_ASSIGN(const std::vector<RecipientId> ids, co_await find_due(SIZE_MAX));
    std::uint64_t recalled = 0;
    for (std::size_t at = 0; at < ids.size(); at += limits::change_page_rows) {
        const std::size_t end = std::min(ids.size(), at + limits::change_page_rows);
        queue::MoveRecipients move;
        move.event = queue::Event::hold;
        move.recipients.assign(
            ids.begin() + static_cast<std::ptrdiff_t>(at),
            ids.begin() + static_cast<std::ptrdiff_t>(end)
        );
        move.still.emplace().state = State::due;  // not what was parked or has left meanwhile
        move.who = job_.who;
        move.why = "recalled from release " + std::to_string(job_.id);
        queue::Change change{std::move(move)};
        SIDING_CO_ASSIGN(
            const queue::Applied moved, co_await context_.queue.commit(std::move(change))
        );
        recalled += moved.moved;
        job_.chosen -= std::min(job_.chosen, moved.moved);
    }
    log.info("release_recalled", {{"release", job_.id}, {"recipients", recalled}});
    co_return co_await put();
}

awaitable<Result<CanaryOutcome>> ReleaseTask::look_at_canary() {
    std::vector<RecipientId> ids = canary_ids_.value_or(std::vector<RecipientId>{});
    if (!canary_ids_) {
        SIDING_CO_ASSIGN(ids, co_await find_due(job_.canary));  // of the last run
    }
    CanaryOutcome outcome;
    outcome.delivered = counts_.of(State::delivered);
    outcome.parked = counts_.of(State::parked);
    outcome.waiting = counts_.of(State::due) + counts_.of(State::in_flight);
    outcome.gone =
        job_.chosen - std::min(job_.chosen, counts_.total()) + counts_.of(State::discarded);
    auto read = [ids = std::move(ids)](const queue::Store& store) {
        std::vector<queue::Recipient> rows;
        for (const RecipientId id : ids) {
            if (auto row = store.read_recipient(id)) {
                rows.push_back(std::move(*row));
            }
        }
        return rows;
    };
    const std::vector<queue::Recipient> rows = co_await context_.queue.read(std::move(read));
    for (const queue::Recipient& row : rows) {
        if (row.release_id != job_.id) {
            continue;
        }
        const bool was_tried = row.attempts > 0 && row.last_attempt_at >= job_.changed_at;
        const bool is_deferred = row.state == State::due && was_tried;
        if (is_deferred && outcome.waiting > 0) {
            outcome.deferred += 1;
            outcome.waiting -= 1;
        }
        if ((is_deferred || row.state == State::parked) && outcome.reply.empty()) {
            outcome.reply = row.last_reply;
        }
    }
    co_return outcome;
}

}  // namespace siding::relay

#include "net/task_group.hpp"

#include "base/log.hpp"
#include "net/deadline.hpp"

#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/experimental/concurrent_channel.hpp>
#include <boost/asio/post.hpp>

#include <exception>
#include <mutex>
#include <unordered_set>
#include <vector>

namespace siding::net {
namespace {

const Logger logger{"net"};

void report(const std::string& group, const std::exception_ptr& failure) {
    try {
        std::rethrow_exception(failure);
    } catch (const std::exception& thrown) {
        logger.error("task_failed", {{"group", group}, {"what", thrown.what()}});
    } catch (...) {
        logger.error("task_failed", {{"group", group}, {"what", "unknown exception"}});
    }
}

}  // namespace

// Touched on the task's executor only.
struct TaskGroup::Task {
    explicit Task(asio::any_io_executor where) : executor{std::move(where)} {}

    asio::any_io_executor executor;
    asio::cancellation_signal signal;
    bool cancelled = false;
};

// Shared with every task's completion, which may come after the group has been joined.
struct TaskGroup::State {
    State(const asio::any_io_executor& executor, std::string group, std::size_t limit)
        : name{std::move(group)}, tasks_max{limit}, idle{executor, 1} {}

    std::size_t count() {
        const std::lock_guard lock{mutex};
        return tasks.size();
    }

    Result<void> admit(const std::shared_ptr<Task>& task) {
        const std::lock_guard lock{mutex};
        if (closed) {
            return Error{Errc::unavailable, name + ": stopping"};
        }
        if (tasks.size() >= tasks_max) {
            return Error{Errc::limit_exceeded, name + ": " + std::to_string(tasks_max) + " tasks"};
        }
        tasks.insert(task);
        return {};
    }

    void finish(const std::shared_ptr<Task>& task, const std::exception_ptr& failure) {
        if (failure) {
            report(name, failure);
        }
        bool empty = false;
        {
            const std::lock_guard lock{mutex};
            tasks.erase(task);
            empty = tasks.empty();
        }
        if (empty) {
            wake_joiner();
        }
    }

    // A token too many is harmless: join looks at the count again.
    void wake_joiner() { idle.try_send(boost::system::error_code{}); }

    const std::string name;
    const std::size_t tasks_max;
    std::mutex mutex;
    bool closed = false;
    std::unordered_set<std::shared_ptr<Task>> tasks;
    asio::experimental::concurrent_channel<void(boost::system::error_code)> idle;
};

TaskGroup::TaskGroup(asio::any_io_executor executor, std::string name, std::size_t tasks_max)
    : executor_{std::move(executor)},
      state_{std::make_shared<State>(executor_, std::move(name), tasks_max)} {}

TaskGroup::~TaskGroup() {
    if (const std::size_t left = count(); left > 0) {
        logger.error("tasks_left", {{"group", state_->name}, {"count", left}});
    }
}

Result<void> TaskGroup::spawn(awaitable<void> task) {
    return spawn_on(executor_, std::move(task));
}

Result<void> TaskGroup::spawn_on(asio::any_io_executor executor, awaitable<void> task) {
    auto entry = std::make_shared<Task>(std::move(executor));
    SIDING_TRY(state_->admit(entry));
    // Posted, so that the signal and its slot are touched by one thread only.
    auto start = [state = state_, entry, body = run(entry, std::move(task))]() mutable {
        auto slot = entry->signal.slot();
        auto where = entry->executor;
        auto done = [state = std::move(state), entry = std::move(entry)](std::exception_ptr error) {
            state->finish(entry, error);
        };
        auto handler = asio::bind_cancellation_slot(slot, std::move(done));
        asio::co_spawn(where, std::move(body), std::move(handler));
    };
    asio::post(entry->executor, std::move(start));
    return {};
}

awaitable<void> TaskGroup::run(std::shared_ptr<Task> entry, awaitable<void> task) {
    co_await asio::this_coro::throw_if_cancelled(false);
    co_await asio::this_coro::reset_cancellation_state(asio::enable_total_cancellation());
    if (!entry->cancelled) {
        co_await std::move(task);
    }
}

void TaskGroup::cancel() {
    emit(asio::cancellation_type::total);
}

void TaskGroup::abort() {
    emit(asio::cancellation_type::terminal);
}

void TaskGroup::emit(asio::cancellation_type type) {
    std::vector<std::shared_ptr<Task>> running;
    {
        const std::lock_guard lock{state_->mutex};
        state_->closed = true;
        running.assign(state_->tasks.begin(), state_->tasks.end());
    }
    for (const auto& entry : running) {
        asio::post(entry->executor, [entry, type] {
            entry->cancelled = true;
            entry->signal.emit(type);
        });
    }
}

awaitable<void> TaskGroup::join() {
    const auto state = state_;
    auto token = asio::bind_cancellation_slot(asio::cancellation_slot{}, use_result);
    while (state->count() > 0) {
        const auto received = co_await state->idle.async_receive(token);
        static_cast<void>(received);
    }
    state->wake_joiner();
}

awaitable<Result<void>> TaskGroup::join(std::chrono::milliseconds timeout) {
    auto executor = co_await asio::this_coro::executor;
    auto work = wait_until_empty(state_, timeout);
    auto token = asio::bind_cancellation_slot(asio::cancellation_slot{}, asio::use_awaitable);
    auto result = co_await asio::co_spawn(executor, std::move(work), token);
    co_return result;
}

awaitable<Result<void>> TaskGroup::wait_until_empty(
    std::shared_ptr<State> state, std::chrono::milliseconds timeout
) {
    auto work = wait_until_empty(state);
    auto what = state->name + ": waiting for tasks to end";
    auto result = co_await with_deadline(std::move(work), timeout, std::move(what));
    co_return result;
}

awaitable<Result<void>> TaskGroup::wait_until_empty(std::shared_ptr<State> state) {
    while (state->count() > 0) {
        const auto [code] = co_await state->idle.async_receive(use_result);
        if (code) {
            co_return make_cancelled(state->name);
        }
    }
    state->wake_joiner();
    co_return Result<void>{};
}

std::size_t TaskGroup::count() const {
    return state_->count();
}

bool TaskGroup::full() const {
    return state_->count() >= state_->tasks_max;
}

}  // namespace siding::net

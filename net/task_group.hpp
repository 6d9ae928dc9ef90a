// The only way to start a coroutine: a named, bounded set of tasks that can be cancelled and waited
// for. What a task refers to must outlive the group.
//
// Stopping has two strengths. cancel() winds down: reads that wait for something new end, writes
// and reads with OnCancel::finish go on, and no task is admitted any more. abort() ends every
// operation. After either, tasks go on without exceptions: operations return is_cancelled() errors.
//
// Thread-safe. A task runs on the executor that it was spawned on, which must be serial.
#pragma once

#include "base/result.hpp"
#include "net/asio.hpp"

#include <boost/asio/cancellation_type.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>

namespace siding::net {

class TaskGroup {
public:
    TaskGroup(asio::any_io_executor executor, std::string name, std::size_t tasks_max);
    ~TaskGroup();  // join first: a task that is left behind is logged as our bug
    TaskGroup(const TaskGroup&) = delete;
    TaskGroup& operator=(const TaskGroup&) = delete;

    // Never runs the task before it returns. Errc::limit_exceeded when full, Errc::unavailable
    // after cancel(); the task is then destroyed without having started.
    Result<void> spawn(awaitable<void> task);
    Result<void> spawn_on(asio::any_io_executor executor, awaitable<void> task);

    void cancel();
    void abort();

    // Until no task is left. The caller's own cancellation does not interrupt it: who has been told
    // to stop still waits for its children.
    awaitable<void> join();
    // The same with a limit: is_timeout() when tasks are left at its end.
    awaitable<Result<void>> join(std::chrono::milliseconds timeout);

    std::size_t count() const;
    bool full() const;
    const asio::any_io_executor& executor() const { return executor_; }

private:
    struct Task;
    struct State;

    void emit(asio::cancellation_type type);
    static awaitable<void> run(std::shared_ptr<Task> entry, awaitable<void> task);
    static awaitable<Result<void>> wait_until_empty(std::shared_ptr<State> state);
    static awaitable<Result<void>> wait_until_empty(
        std::shared_ptr<State> state, std::chrono::milliseconds timeout
    );

    asio::any_io_executor executor_;
    std::shared_ptr<State> state_;
};

}  // namespace siding::net

// Bulk moves that an operator or a phase orders: release jobs, hold, discard. Each walks the filter
// in pages and commits page by page; a release job is kept in the queue and goes on after a
// restart.
#pragma once

#include "net/task_group.hpp"
#include "queue/queue.hpp"

#include <boost/asio/awaitable.hpp>

#include <functional>
#include <string>

namespace siding::relay {

class Mover {
public:
    // `wake_lanes` is called after each page that made recipients due, at the given time or later.
    Mover(
        queue::Queue& queue,
        net::TaskGroup& tasks,
        std::function<void(WallTime earliest)> wake_lanes
    );

    // Starts the release jobs that the last run left unfinished.
    boost::asio::awaitable<Result<void>> resume();

    // Durable when it answers with the job's id; the pages follow in the background.
    // job.filter, server, pinned and who are the caller's; the rest is set here.
    boost::asio::awaitable<Result<std::uint64_t>> order_release(queue::ReleaseJob job);

    // Event::hold or Event::discard over every match; answers with the number moved.
    boost::asio::awaitable<Result<std::uint64_t>> move_all(
        queue::Event event, queue::Filter filter, std::string who, std::string why
    );

private:
    boost::asio::awaitable<void> run_release(queue::ReleaseJob job);
    boost::asio::awaitable<bool> waits_to_retry();
    bool is_recalled(const queue::ReleaseJob& job) const;

    queue::Queue& queue_;
    net::TaskGroup& tasks_;
    std::function<void(WallTime)> wake_lanes_;
};

}  // namespace siding::relay

// The commit thread: the only writer. It drains whatever has queued up, applies it as one synced
// batch and wakes every waiter on its own executor; while it syncs, the next group gathers. No
// change waits for a timer.
#pragma once

#include "base/clock.hpp"
#include "base/metrics.hpp"
#include "queue/store.hpp"

#include <boost/asio/awaitable.hpp>

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace siding::queue {

class Committer {
public:
    Committer(Store& store, const Clock& clock, Metrics& metrics);
    ~Committer();  // applies what is queued, then joins

    using Callback = std::function<void(Result<Applied>)>;

    // Calls back on the commit thread, after the sync. Errc::unavailable at once if the queue is
    // full.
    void submit(Change change, Callback done);

    boost::asio::awaitable<Result<Applied>> commit(Change change);

    // The phases in force, published after the flip is on disk.
    std::shared_ptr<const PhaseTable> phases() const;

    // Grows whenever the thread finished a round; unchanged while it hangs in a write. What the
    // watchdog looks at: stuck means work is waiting and rounds() stands still.
    std::uint64_t rounds() const;
    bool idle() const;

    // Called on the commit thread, once, soon after the store has failed, whoever met the failure.
    void on_failure(std::function<void(std::string reason)> callback);

private:
    struct Waiting {
        Change change;
        Callback done;
        std::size_t octets;
    };

    void run();
    std::vector<Waiting> next_group();
    void apply_group(std::vector<Waiting>& group);
    void report_failure();

    Store& store_;
    const Clock& clock_;
    Counter groups_;
    Counter changes_;
    Histogram latency_;

    mutable std::mutex mutex_;
    std::condition_variable wake_;
    std::vector<Waiting> waiting_;
    bool stopping_ = false;
    bool busy_ = false;
    std::uint64_t rounds_ = 0;
    std::shared_ptr<const PhaseTable> phases_;
    std::function<void(std::string)> on_failure_;
    bool failure_reported_ = false;
    std::thread thread_;
};

}  // namespace siding::queue

// The queue as the rest of the program sees it: one store, its committer, its ids and its health.
// All changes go through commit(); all reads through read(), on the blocking threads.
#pragma once

#include "base/clock.hpp"
#include "base/metrics.hpp"
#include "net/run_on.hpp"
#include "queue/committer.hpp"
#include "queue/disk_space.hpp"
#include "queue/store.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <type_traits>
#include <utility>

namespace siding::queue {

// How long, and up to how many octets of bodies, delivered messages are kept for a replay.
struct Retention {
    std::chrono::milliseconds time{0};  // 0: they are not
    std::uint64_t octets = UINT64_MAX;
};

struct QueueOptions {
    std::filesystem::path directory;  // <data_dir>/queue
    DiskSpace::Reserve reserve = [](std::uint64_t) { return std::uint64_t{0}; };
    std::function<Retention()> retention = [] { return Retention{}; };  // asked at each commit
};

class Queue {
public:
    // Opens or creates the store, moves in_flight back to due (the last run ended in the middle of
    // these attempts) and starts the commit thread. Errc::already_exists: another process has it.
    static Result<std::unique_ptr<Queue>> open(
        const QueueOptions& options,
        boost::asio::any_io_executor blocking,
        const Clock& clock,
        Metrics& metrics
    );
    ~Queue();

    // Durable when it answers; resumes on the caller's executor. Errc::storage_failure: nothing may
    // be promised to anybody any more. Errc::unavailable: the commit queue is full.
    boost::asio::awaitable<Result<Applied>> commit(Change change);

    // Lets retained messages go that are too old or too many, and half of them at a time while the
    // disk is below its reserve: they must not cost new mail its room. Answers with the number of
    // messages. Call it every minute.
    boost::asio::awaitable<Result<std::uint64_t>> prune();

    // Runs `function(const Store&)` on a blocking thread, resumes on the caller's executor.
    template <typename F>
    boost::asio::awaitable<std::invoke_result_t<F, const Store&>> read(F function) const {
        const Store& store = *store_;
        return net::run_on(blocking_, [&store, f = std::move(function)] { return f(store); });
    }

    // For callers that may block (start-up, tests).
    const Store& store() const { return *store_; }

    std::shared_ptr<const PhaseTable> phases() const { return committer_->phases(); }
    MessageId next_id() { return ids_.next(); }
    const Clock& clock() const { return clock_; }
    Committer& committer() { return *committer_; }

    // May `size_octets` more be accepted? Errc::limit_exceeded below the disk reserve,
    // Errc::storage_failure after a failed write.
    Result<void> check_room(std::uint64_t size_octets) const;
    const DiskSpace& disk() const { return disk_; }

    // Body chunks, written ahead on a blocking thread.
    boost::asio::awaitable<Result<void>> append_body_chunk(
        MessageId message, std::uint32_t chunk, std::string octets
    );
    boost::asio::awaitable<Result<void>> abort_body(MessageId message, std::uint32_t chunks);

private:
    Queue(
        std::unique_ptr<Store> store,
        boost::asio::any_io_executor blocking,
        const Clock& clock,
        Metrics& metrics,
        const QueueOptions& options
    );

    std::unique_ptr<Store> store_;
    boost::asio::any_io_executor blocking_;
    const Clock& clock_;
    IdGenerator ids_;
    DiskSpace disk_;
    std::function<Retention()> retention_;
    std::unique_ptr<Committer> committer_;  // dies first: joins its thread while the store lives
};

}  // namespace siding::queue

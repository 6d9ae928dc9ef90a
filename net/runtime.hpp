// The process's threads: "io-N", each with an io_context of its own on which sessions live for
// life, and "blocking-N" for reads and files. An exception that reaches a thread's loop is our bug:
// the process says so and aborts.
//
// A loop of one's own that work comes back to (run_on) is declared before the Runtime: a thread
// still touches it while it is being told, and is done with it only when it has been joined.
#pragma once

#include "net/asio.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

#include <atomic>
#include <cstddef>
#include <memory>
#include <thread>
#include <vector>

namespace siding::net {

class Runtime {
public:
    struct Sizes {
        std::size_t io_threads = 1;
        std::size_t blocking_threads = 1;
    };

    explicit Runtime(Sizes sizes);  // the threads run at once; both sizes at least 1
    ~Runtime();                     // stop()
    Runtime(const Runtime&) = delete;
    Runtime& operator=(const Runtime&) = delete;

    asio::any_io_executor io(std::size_t index);
    asio::any_io_executor next_io();  // round robin; thread-safe
    asio::any_io_executor blocking();
    std::size_t io_threads() const { return io_.size(); }

    // Join every TaskGroup first. Blocking work that has been handed in is finished while the io
    // threads still run, so that it can answer; then the io threads end. Idempotent.
    void stop();

private:
    struct Loop;

    std::vector<std::unique_ptr<Loop>> io_;
    std::unique_ptr<Loop> blocking_;
    std::atomic<std::size_t> turn_ = 0;
};

}  // namespace siding::net

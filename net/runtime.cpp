#include "net/runtime.hpp"

#include "base/check.hpp"

#include <exception>
#include <pthread.h>
#include <string>
#include <utility>

namespace siding::net {
namespace {

void run_loop(asio::io_context& context, const std::string& name) {
    ::pthread_setname_np(::pthread_self(), name.c_str());
    try {
        context.run();
    } catch (const std::exception& thrown) {
        SIDING_UNREACHABLE("exception in thread " + name + ": " + thrown.what());
    }
}

}  // namespace

struct Runtime::Loop {
    explicit Loop(std::size_t thread_count) : context{static_cast<int>(thread_count)} {}

    void start(const std::string& name) { threads.emplace_back(run_loop, std::ref(context), name); }

    void join() {
        for (std::thread& thread : threads) {
            thread.join();
        }
        threads.clear();
    }

    asio::io_context context;
    asio::executor_work_guard<asio::io_context::executor_type> work{context.get_executor()};
    std::vector<std::thread> threads;
};

Runtime::Runtime(Sizes sizes) : blocking_{std::make_unique<Loop>(sizes.blocking_threads)} {
    SIDING_CHECK(sizes.io_threads > 0 && sizes.blocking_threads > 0, "a runtime has threads");
    for (std::size_t n = 0; n < sizes.io_threads; ++n) {
        io_.push_back(std::make_unique<Loop>(1));
        io_.back()->start("io-" + std::to_string(n));
    }
    for (std::size_t n = 0; n < sizes.blocking_threads; ++n) {
        blocking_->start("blocking-" + std::to_string(n));
    }
}

Runtime::~Runtime() {
    stop();
}

asio::any_io_executor Runtime::io(std::size_t index) {
    SIDING_CHECK(index < io_.size(), "no such io thread");
    return io_[index]->context.get_executor();
}

asio::any_io_executor Runtime::next_io() {
    return io(turn_.fetch_add(1, std::memory_order_relaxed) % io_.size());
}

asio::any_io_executor Runtime::blocking() {
    return blocking_->context.get_executor();
}

void Runtime::stop() {
    blocking_->work.reset();
    blocking_->join();
    for (const auto& loop : io_) {
        loop->work.reset();
        loop->context.stop();
    }
    for (const auto& loop : io_) {
        loop->join();
    }
}

}  // namespace siding::net

#include "net/runtime.hpp"

#include "net/run_on.hpp"
#include "net/signals.hpp"
#include "net/task_group.hpp"
#include "tests/net/run_loop.hpp"

#include <boost/asio/post.hpp>

#include <csignal>
#include <future>
#include <pthread.h>
#include <vector>

namespace siding::net {
namespace {

std::string thread_name() {
    std::array<char, 16> name{};
    ::pthread_getname_np(::pthread_self(), name.data(), name.size());
    return name.data();
}

std::string name_on(asio::any_io_executor executor) {
    std::promise<std::string> name;
    asio::post(executor, [&name] { name.set_value(thread_name()); });
    return name.get_future().get();
}

TEST(Runtime, names_its_threads_and_takes_turns) {
    Runtime runtime{{.io_threads = 2, .blocking_threads = 1}};
    EXPECT_EQ(name_on(runtime.io(1)), "io-1");
    EXPECT_EQ(name_on(runtime.blocking()), "blocking-0");
    const std::vector<std::string> turns{
        name_on(runtime.next_io()), name_on(runtime.next_io()), name_on(runtime.next_io())};
    EXPECT_EQ(turns, (std::vector<std::string>{"io-0", "io-1", "io-0"}));
}

TEST(Runtime, finishes_blocking_work_before_it_stops) {
    int done = 0;
    {
        Runtime runtime{{.io_threads = 1, .blocking_threads = 1}};
        for (int n = 0; n < 100; ++n) {
            asio::post(runtime.blocking(), [&done] { ++done; });
        }
    }
    EXPECT_EQ(done, 100);
}

awaitable<void> hop(asio::any_io_executor blocking, std::promise<std::vector<std::string>>& names) {
    std::vector<std::string> seen{thread_name()};
    auto there = co_await run_on(blocking, thread_name);
    seen.push_back(std::move(there));
    seen.push_back(thread_name());
    names.set_value(std::move(seen));
}

TEST(RunOn, goes_there_and_comes_back) {
    Runtime runtime{{.io_threads = 1, .blocking_threads = 1}};
    TaskGroup group{runtime.io(0), "test", 1};
    std::promise<std::vector<std::string>> names;
    ASSERT_TRUE(group.spawn(hop(runtime.blocking(), names)).has_value());
    const auto seen = names.get_future().get();
    EXPECT_EQ(seen, (std::vector<std::string>{"io-0", "blocking-0", "io-0"}));
    runtime.stop();
}

awaitable<void> next_signal(Signals& signals, std::vector<Signal>& seen) {
    const auto signal = co_await signals.next();
    if (signal.has_value()) {
        seen.push_back(*signal);
    }
}

TEST(Signals, arrive_as_values) {
    RunLoop loop;
    Signals signals{loop.executor()};
    std::vector<Signal> seen;
    std::raise(SIGHUP);
    loop.run(next_signal(signals, seen));
    std::raise(SIGTERM);
    loop.run(next_signal(signals, seen));
    EXPECT_EQ(seen, (std::vector<Signal>{Signal::reload, Signal::stop}));
}

}  // namespace
}  // namespace siding::net

#include "net/async_mutex.hpp"

#include "net/network_error.hpp"
#include "net/runtime.hpp"
#include "net/shielded.hpp"
#include "net/task_group.hpp"
#include "tests/net/run_loop.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <optional>

namespace siding::net {
namespace {

using namespace std::chrono_literals;

awaitable<void> count(AsyncMutex& mutex, int& counter) {
    for (int round = 0; round < 50; ++round) {
        auto turn = co_await mutex.lock();
        EXPECT_TRUE(turn.has_value());
        const int before = counter;
        co_await asio::post(asio::use_awaitable);
        counter = before + 1;
    }
}

TEST(AsyncMutex, LetsOneInWhateverItsThread) {
    RunLoop loop;
    Runtime runtime{{.io_threads = 4, .blocking_threads = 1}};
    AsyncMutex mutex;
    int counter = 0;
    TaskGroup group{loop.executor(), "counters", 16};
    for (int task = 0; task < 16; ++task) {
        EXPECT_TRUE(group.spawn_on(runtime.next_io(), count(mutex, counter)).has_value());
    }
    loop.run(group.join());
    EXPECT_EQ(counter, 16 * 50);
    runtime.stop();
}

awaitable<void> wait(AsyncMutex& mutex, std::optional<Error>& failure) {
    auto turn = co_await mutex.lock();
    if (turn.has_error()) {
        failure = turn.error();
    }
}

awaitable<void> hold(AsyncMutex& mutex, TaskGroup& waiters) {
    auto turn = co_await mutex.lock();
    EXPECT_TRUE(turn.has_value());
    co_await asio::post(asio::use_awaitable);
    waiters.cancel();
    co_await waiters.join();
}

TEST(AsyncMutex, WhoeverIsCancelledWaitsNoLonger) {
    RunLoop loop;
    AsyncMutex mutex;
    std::optional<Error> failure;
    TaskGroup waiters{loop.executor(), "waiters", 1};
    TaskGroup holders{loop.executor(), "holders", 1};
    EXPECT_TRUE(holders.spawn(hold(mutex, waiters)).has_value());
    EXPECT_TRUE(waiters.spawn(wait(mutex, failure)).has_value());
    loop.run(holders.join());
    ASSERT_TRUE(failure.has_value());
    EXPECT_TRUE(is_cancelled(*failure));
    failure.reset();
    loop.run(wait(mutex, failure));
    EXPECT_FALSE(failure.has_value());
}

awaitable<int> work(bool& begun) {
    auto executor = co_await asio::this_coro::executor;
    asio::steady_timer timer{executor, 30ms};
    begun = true;
    const auto [code] = co_await timer.async_wait(use_result);
    co_return code ? 0 : 7;
}

awaitable<void> do_shielded(bool& begun, int& result) {
    auto shield = shielded(work(begun));
    result = co_await std::move(shield);
}

TEST(Shielded, IsNotLeftInTheMiddle) {
    RunLoop loop;
    bool begun = false;
    int result = 0;
    TaskGroup group{loop.executor(), "work", 1};
    EXPECT_TRUE(group.spawn(do_shielded(begun, result)).has_value());
    loop.run_until(begun);
    group.cancel();
    loop.run(group.join());
    EXPECT_EQ(result, 7);
}

}  // namespace
}  // namespace siding::net

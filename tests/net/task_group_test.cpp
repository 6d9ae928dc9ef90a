#include "net/task_group.hpp"

#include "net/network_error.hpp"
#include "net/runtime.hpp"
#include "tests/net/run_loop.hpp"

#include <boost/asio/steady_timer.hpp>

#include <atomic>
#include <future>
#include <optional>
#include <stdexcept>
#include <string>

namespace siding::net {
namespace {

using namespace std::chrono_literals;

awaitable<void> wait_for_ever() {
    asio::steady_timer timer{co_await asio::this_coro::executor, 24h};
    const auto waited = co_await timer.async_wait(use_result);
    static_cast<void>(waited);
}

awaitable<void> fail() {
    throw std::runtime_error{"escaped"};
    co_return;
}

awaitable<void> read_once(Stream& stream, OnCancel on_cancel, Result<std::size_t>& result) {
    std::array<char, 16> room;
    result = co_await stream.read_some(room, 1h, on_cancel);
}

awaitable<void> write_once(Stream& stream, std::string octets, Result<void>& result) {
    result = co_await stream.write(octets, 1h);
}

TEST(TaskGroup, refuses_past_its_cap) {
    RunLoop loop;
    TaskGroup group{loop.executor(), "test", 2};
    EXPECT_TRUE(group.spawn(wait_for_ever()).has_value());
    EXPECT_TRUE(group.spawn(wait_for_ever()).has_value());
    EXPECT_TRUE(group.full());
    const auto refused = group.spawn(wait_for_ever());
    ASSERT_TRUE(refused.has_error());
    EXPECT_TRUE(refused.error().is(Errc::limit_exceeded));
    EXPECT_EQ(group.count(), 2U);
    group.cancel();
    loop.run(group.join());
    EXPECT_EQ(group.count(), 0U);
}

TEST(TaskGroup, admits_nothing_after_cancel) {
    RunLoop loop;
    TaskGroup group{loop.executor(), "test", 2};
    group.cancel();
    const auto refused = group.spawn(wait_for_ever());
    ASSERT_TRUE(refused.has_error());
    EXPECT_TRUE(refused.error().is(Errc::unavailable));
    loop.run(group.join());
}

TEST(TaskGroup, cancel_ends_idle_reads_but_lets_others_finish) {
    RunLoop loop;
    StreamPair idle = StreamPair::create(loop.executor());
    StreamPair busy = StreamPair::create(loop.executor());
    Result<std::size_t> idle_result;
    Result<std::size_t> busy_result;
    TaskGroup group{loop.executor(), "test", 2};
    ASSERT_TRUE(group.spawn(read_once(idle.near, OnCancel::stop, idle_result)).has_value());
    ASSERT_TRUE(group.spawn(read_once(busy.near, OnCancel::finish, busy_result)).has_value());
    loop.context().poll();
    group.cancel();
    loop.context().poll();
    EXPECT_EQ(group.count(), 1U);
    ASSERT_TRUE(idle_result.has_error());
    EXPECT_TRUE(is_cancelled(idle_result.error()));
    Result<void> written;
    loop.run(write_once(busy.far, "rest", written));
    loop.run(group.join());
    ASSERT_TRUE(busy_result.has_value());
    EXPECT_EQ(*busy_result, 4U);
}

TEST(TaskGroup, abort_ends_everything) {
    RunLoop loop;
    StreamPair reading = StreamPair::create(loop.executor());
    StreamPair writing = StreamPair::create(loop.executor());
    Result<std::size_t> read;
    Result<void> written;
    TaskGroup group{loop.executor(), "test", 2};
    ASSERT_TRUE(group.spawn(read_once(reading.near, OnCancel::finish, read)).has_value());
    std::string much(8 * 1024 * 1024, 'x');  // more than the socket takes
    ASSERT_TRUE(group.spawn(write_once(writing.near, std::move(much), written)).has_value());
    loop.context().poll();
    group.cancel();
    loop.context().poll();
    EXPECT_EQ(group.count(), 2U);
    group.abort();
    loop.run(group.join());
    ASSERT_TRUE(read.has_error() && written.has_error());
    EXPECT_TRUE(is_cancelled(read.error()));
    EXPECT_TRUE(is_cancelled(written.error()));
}

awaitable<void> speak_after_cancel(
    Stream& stream, Result<std::size_t>& read, Result<void>& written
) {
    std::array<char, 16> room;
    read = co_await stream.read_some(room, 1h);
    written = co_await stream.write("421 4.3.2 closing\r\n", 1h);
    read = co_await stream.read_some(room, 1h);
}

TEST(TaskGroup, a_cancelled_task_may_still_say_good_bye) {
    RunLoop loop;
    StreamPair pair = StreamPair::create(loop.executor());
    Result<std::size_t> read;
    Result<void> written = Error{Errc::internal, "not tried"};
    TaskGroup group{loop.executor(), "test", 1};
    ASSERT_TRUE(group.spawn(speak_after_cancel(pair.near, read, written)).has_value());
    loop.context().poll();
    group.cancel();
    loop.run(group.join());
    EXPECT_TRUE(written.has_value());
    EXPECT_TRUE(pair.far.has_input());
    ASSERT_TRUE(read.has_error());  // cancellation stays: the second read does not begin
    EXPECT_TRUE(is_cancelled(read.error()));
}

TEST(TaskGroup, contains_an_exception) {
    RunLoop loop;
    TaskGroup group{loop.executor(), "test", 2};
    ASSERT_TRUE(group.spawn(fail()).has_value());
    loop.run(group.join());
    EXPECT_EQ(group.count(), 0U);
}

awaitable<void> join_within(
    TaskGroup& group, std::chrono::milliseconds timeout, std::optional<Result<void>>& result
) {
    result = co_await group.join(timeout);
}

TEST(TaskGroup, join_has_a_deadline) {
    RunLoop loop;
    TaskGroup group{loop.executor(), "test", 2};
    ASSERT_TRUE(group.spawn(wait_for_ever()).has_value());
    std::optional<Result<void>> joined;
    loop.run(join_within(group, 20ms, joined));
    ASSERT_TRUE(joined->has_error());
    EXPECT_TRUE(is_timeout(joined->error()));
    group.cancel();
    loop.run(join_within(group, 10s, joined));
    EXPECT_TRUE(joined->has_value());
}

awaitable<void> count_and_wait(std::atomic<int>& started, std::atomic<int>& ended) {
    ++started;
    co_await wait_for_ever();
    ++ended;
}

awaitable<void> stop_group(TaskGroup& group, std::promise<void>& done) {
    group.cancel();
    co_await group.join();
    done.set_value();
}

TEST(TaskGroup, holds_tasks_of_several_threads) {
    constexpr int tasks = 200;
    std::atomic<int> started = 0;
    std::atomic<int> ended = 0;
    Runtime runtime{{.io_threads = 3, .blocking_threads = 1}};
    TaskGroup group{runtime.io(0), "test", tasks};
    TaskGroup control{runtime.io(0), "control", 1};
    for (int n = 0; n < tasks; ++n) {
        ASSERT_TRUE(group.spawn_on(runtime.next_io(), count_and_wait(started, ended)).has_value());
    }
    std::promise<void> done;
    ASSERT_TRUE(control.spawn(stop_group(group, done)).has_value());
    done.get_future().get();
    runtime.stop();
    EXPECT_EQ(started, ended);  // those cancelled before they began count on neither side
    EXPECT_EQ(group.count(), 0U);
}

}  // namespace
}  // namespace siding::net

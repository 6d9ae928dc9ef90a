#include "net/deadline.hpp"

#include "net/task_group.hpp"
#include "tests/net/run_loop.hpp"

namespace siding::net {
namespace {

using namespace std::chrono_literals;

awaitable<Result<int>> answer_after(std::chrono::milliseconds delay) {
    asio::steady_timer timer{co_await asio::this_coro::executor, delay};
    const auto [code] = co_await timer.async_wait(use_result);
    if (code) {
        co_return make_cancelled("answer");
    }
    co_return 42;
}

awaitable<void> ask(
    std::chrono::milliseconds delay, std::chrono::milliseconds timeout, Result<int>& result
) {
    auto work = answer_after(delay);
    result = co_await with_deadline(std::move(work), timeout, "the answer");
}

TEST(WithDeadline, gives_the_result_in_time) {
    RunLoop loop;
    Result<int> result;
    loop.run(ask(1ms, 10s, result));
    ASSERT_TRUE(result.has_value());
    EXPECT_EQ(*result, 42);
}

TEST(WithDeadline, says_what_took_too_long) {
    RunLoop loop;
    Result<int> result;
    loop.run(ask(1h, 20ms, result));
    ASSERT_TRUE(result.has_error());
    EXPECT_TRUE(is_timeout(result.error()));
    EXPECT_EQ(result.error().context, "the answer");
}

TEST(WithDeadline, obeys_the_cancellation_of_its_group) {
    RunLoop loop;
    Result<int> result;
    TaskGroup group{loop.executor(), "test", 1};
    ASSERT_TRUE(group.spawn(ask(1h, 1h, result)).has_value());
    loop.context().poll();
    group.cancel();
    loop.run(group.join());
    ASSERT_TRUE(result.has_error());
    EXPECT_TRUE(is_cancelled(result.error()));
}

TEST(Deadline, fires_again_until_it_is_disarmed_and_can_be_armed_again) {
    RunLoop loop;
    int fired = 0;
    bool twice = false;
    Deadline deadline{loop.executor(), [&fired, &twice] { twice = ++fired == 2; }};
    deadline.arm(1h);
    EXPECT_FALSE(deadline.disarm());
    deadline.arm(10ms);  // earlier than the timer that is still waiting
    loop.run_until(twice);
    EXPECT_TRUE(deadline.disarm());
    deadline.arm(1h);
    EXPECT_FALSE(deadline.disarm());
}

}  // namespace
}  // namespace siding::net

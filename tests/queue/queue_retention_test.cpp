// What the queue retains, as its options say, and how it lets it go.
#include "base/limits.hpp"
#include "net/runtime.hpp"
#include "queue/queue.hpp"
#include "tests/support/queue_workload.hpp"
#include "tests/support/temp_directory.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include <optional>

namespace siding::queue {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;

class QueueRetentionTest : public testing::Test {
protected:
    void open(std::uint64_t reserve_octets = 0) {
        QueueOptions options;
        options.directory = directory_ / "queue";
        options.reserve = [reserve_octets](std::uint64_t) { return reserve_octets; };
        options.retention = [this] { return retention_; };
        auto opened = Queue::open(options, runtime_.blocking(), clock_, metrics_);
        ASSERT_TRUE(opened) << opened.error().message();
        queue_ = std::move(*opened);
    }
    void TearDown() override {
        queue_.reset();
        runtime_.stop();
    }

    template <typename T>
    T run(asio::awaitable<T> operation) {
        asio::io_context io;
        std::optional<T> out;
        asio::co_spawn(io, std::move(operation), [&](std::exception_ptr failure, T result) {
            EXPECT_FALSE(failure);
            out = std::move(result);
        });
        io.run();
        return std::move(*out);
    }

    MessageId pass_on(const std::string& body) {
        const MessageId id = queue_->next_id();
        Change change = test::make_message(
            id, "ann@sender.example", {{"a@example.com", {State::delivered, "old"}}}, body
        );
        EXPECT_TRUE(run(queue_->commit(std::move(change))));
        return id;
    }
    std::uint64_t prune() { return run(queue_->prune()).value(); }
    bool is_there(MessageId id) const { return queue_->store().read_envelope(id).has_value(); }

    ManualClock clock_{test::test_epoch};
    Metrics metrics_;
    net::Runtime runtime_{{.io_threads = 1, .blocking_threads = 1}};
    test::TempDirectory directory_;
    Retention retention_;
    std::unique_ptr<Queue> queue_;
};

TEST_F(QueueRetentionTest, KeepsNothingUnlessTold) {
    ASSERT_NO_FATAL_FAILURE(open());
    EXPECT_FALSE(is_there(pass_on("body")));
    EXPECT_EQ(prune(), 0U);
}

TEST_F(QueueRetentionTest, KeepsForItsTimeAndItsOctets) {
    retention_ = {1h, 10};
    ASSERT_NO_FATAL_FAILURE(open());
    const MessageId first = pass_on("12345");
    clock_.advance(30min);
    const MessageId second = pass_on("12345");
    EXPECT_EQ(prune(), 0U);
    clock_.advance(31min);
    EXPECT_EQ(prune(), 1U);
    EXPECT_FALSE(is_there(first));
    EXPECT_TRUE(is_there(second));
    pass_on("1234567");
    EXPECT_EQ(prune(), 1U);
    EXPECT_FALSE(is_there(second)) << "twelve octets are too many";
    retention_ = {};
    EXPECT_EQ(prune(), 1U) << "switched off: all goes";
    EXPECT_EQ(queue_->store().counters().retained, Retained{});
}

TEST_F(QueueRetentionTest, KeepsWhatALaneDelivers) {
    retention_ = {1h, 10};
    ASSERT_NO_FATAL_FAILURE(open());
    const MessageId id = queue_->next_id();
    Change accept =
        test::make_message(id, "ann@sender.example", {{"a@example.com", {State::due, "new"}}}, "b");
    ASSERT_TRUE(run(queue_->commit(std::move(accept))));
    ASSERT_TRUE(run(queue_->commit(StartAttempt{{{id, 0}}, "new"})));
    RecordOutcome outcome;
    outcome.outcomes = {{{id, 0}, OutcomeKind::delivered, "250 ok"}};
    outcome.server = "new";
    ASSERT_TRUE(run(queue_->commit(std::move(outcome))));
    EXPECT_TRUE(is_there(id));
}

TEST_F(QueueRetentionTest, PrunesInPages) {
    retention_ = {1h, UINT64_MAX};
    ASSERT_NO_FATAL_FAILURE(open());
    const std::size_t messages = limits::prune_page_messages + 1;
    for (std::size_t i = 0; i < messages; ++i) {
        pass_on("x");
    }
    clock_.advance(2h);
    EXPECT_EQ(prune(), messages);
}

TEST_F(QueueRetentionTest, GivesItsRoomToNewMail) {
    retention_ = {1h, UINT64_MAX};
    ASSERT_NO_FATAL_FAILURE(open(UINT64_MAX / 2));
    ASSERT_FALSE(queue_->check_room(0));
    for (int i = 0; i < 4; ++i) {
        pass_on("1234");
    }
    EXPECT_EQ(prune(), 2U);
    EXPECT_EQ(prune(), 1U);
    EXPECT_EQ(prune(), 1U);
    EXPECT_EQ(prune(), 0U);
}

}  // namespace
}  // namespace siding::queue

#include "queue/intake.hpp"

#include "base/limits.hpp"
#include "net/runtime.hpp"
#include "tests/support/queue_workload.hpp"
#include "tests/support/temp_directory.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include <algorithm>

namespace siding::queue {
namespace {

namespace asio = boost::asio;

class IntakeTest : public testing::Test {
protected:
    void SetUp() override {
        QueueOptions options;
        options.directory = directory_ / "queue";
        auto opened = Queue::open(options, runtime_.blocking(), clock_, metrics_);
        ASSERT_TRUE(opened) << opened.error().message();
        queue_ = std::move(*opened);
    }
    void TearDown() override {
        queue_.reset();
        runtime_.stop();
    }

    template <typename Session>
    void run(Session session) {
        asio::io_context io;
        asio::co_spawn(io, session, [](std::exception_ptr failure) {
            if (failure) {
                std::rethrow_exception(failure);
            }
        });
        io.run();
    }

    // As a session does it: octets come in pieces, each is flushed.
    std::optional<MessageId> take(const std::string& body, std::size_t piece_octets) {
        std::optional<MessageId> id;
        run([&]() -> asio::awaitable<void> {
            Intake intake{*queue_};
            for (std::size_t at = 0; at < body.size(); at += piece_octets) {
                intake.buffer().append(body, at, piece_octets);
                const auto flushed = co_await intake.flush();
                EXPECT_TRUE(flushed);
                EXPECT_LT(intake.buffer().size(), limits::body_chunk_octets);
            }
            EXPECT_EQ(intake.size_octets(), body.size());
            AcceptMessage message =
                test::make_message(MessageId{}, "ann@sender.example", {{"a@example.com", {}}}, "");
            const auto receipt =
                co_await intake.commit(std::move(message.envelope), message.placements);
            EXPECT_TRUE(receipt);
            if (receipt) {
                EXPECT_EQ(receipt->id(), intake.id());
                id = receipt->id();
            }
        });
        return id;
    }

    std::string read(const Envelope& envelope) {
        std::string body;
        for (std::uint32_t chunk = 0; chunk < envelope.body.chunks; ++chunk) {
            body += queue_->store().read_body_chunk(envelope.id, chunk).value();
        }
        return body;
    }

    test::TempDirectory directory_;
    net::Runtime runtime_{{.io_threads = 1, .blocking_threads = 2}};
    SystemClock clock_;
    Metrics metrics_;
    std::unique_ptr<Queue> queue_;
};

std::string octets(std::size_t count) {
    std::string text(count, '\0');
    for (std::size_t i = 0; i < count; ++i) {
        text[i] = static_cast<char>(i * 7 + i / 251);
    }
    return text;
}

TEST_F(IntakeTest, KeepsBodiesOfAnySizeOctetForOctet) {
    constexpr std::size_t small = limits::inline_body_octets_max;
    constexpr std::size_t chunk = limits::body_chunk_octets;
    struct Case {
        std::size_t octets;
        std::uint32_t chunks;
    };
    const std::vector<Case> cases{
        {0, 1},
        {1, 1},
        {small, 1},
        {chunk - 1, 1},
        {chunk, 1},
        {chunk + 1, 2},
        {3 * chunk, 3},
        {3 * chunk + 7, 4},
    };
    for (const Case& one : cases) {
        for (const std::size_t piece_octets : {std::size_t{4099}, small, chunk * 2}) {
            if (piece_octets >= chunk && one.octets < chunk) {
                continue;
            }
            const std::string body = octets(one.octets);
            const auto id = take(body, std::min(piece_octets, chunk - 1));
            ASSERT_TRUE(id);
            const Envelope envelope = queue_->store().read_envelope(*id).value();
            EXPECT_EQ(envelope.id, *id);
            EXPECT_EQ(envelope.body.size_octets, one.octets);
            EXPECT_EQ(envelope.body.chunks, one.chunks) << one.octets;
            EXPECT_EQ(envelope.body.sha256, sha256(body));
            EXPECT_EQ(read(envelope) == body, true) << one.octets;
        }
    }
}

TEST_F(IntakeTest, ForgetsWhatItAborts) {
    MessageId id;
    run([&]() -> asio::awaitable<void> {
        Intake intake{*queue_};
        id = intake.id();
        for (int i = 0; i < 5; ++i) {
            intake.buffer() += octets(limits::body_chunk_octets / 2);
            EXPECT_TRUE(co_await intake.flush());
        }
        EXPECT_TRUE(queue_->store().read_body_chunk(id, 1));
        co_await intake.abort();
        EXPECT_EQ(intake.buffer().size(), 0U);
        co_await intake.abort();
    });
    for (std::uint32_t chunk = 0; chunk < 3; ++chunk) {
        EXPECT_FALSE(queue_->store().read_body_chunk(id, chunk));
    }
    EXPECT_FALSE(queue_->store().read_envelope(id));
    EXPECT_EQ(queue_->store().ledger_tail().sequence, 1U) << "started, and nothing since";
}

TEST_F(IntakeTest, NeverGivesAnIdTwice) {
    const auto first = take("a", 1);
    queue_.reset();
    SetUp();
    const auto second = take("b", 1);
    ASSERT_TRUE(first && second);
    EXPECT_LT(*first, *second);
}

TEST_F(IntakeTest, ReadsOnTheBlockingThreads) {
    ASSERT_TRUE(take("body", 4));
    std::uint64_t held = 0;
    std::thread::id read_on;
    run([&]() -> asio::awaitable<void> {
        const auto total = co_await queue_->read([&](const Store& store) {
            read_on = std::this_thread::get_id();
            return store.count({});
        });
        held = total.value().recipients;
    });
    EXPECT_EQ(held, 1U);
    EXPECT_NE(read_on, std::this_thread::get_id());
}

TEST_F(IntakeTest, RefusesBelowTheReserve) {
    EXPECT_TRUE(queue_->check_room(1));
    queue_.reset();
    QueueOptions options;
    options.directory = directory_ / "queue";
    options.reserve = [](std::uint64_t) { return UINT64_MAX; };
    queue_ = Queue::open(options, runtime_.blocking(), clock_, metrics_).value();
    EXPECT_TRUE(queue_->check_room(1).error().is(Errc::limit_exceeded));
}

TEST_F(IntakeTest, IsOneQueueToOneProcess) {
    QueueOptions options;
    options.directory = directory_ / "queue";
    const auto second = Queue::open(options, runtime_.blocking(), clock_, metrics_);
    ASSERT_FALSE(second);
    EXPECT_TRUE(second.error().is(Errc::already_exists));
}

}  // namespace
}  // namespace siding::queue

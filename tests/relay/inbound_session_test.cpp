#include "relay/inbound_session.hpp"

#include "base/limits.hpp"
#include "tests/relay/inbound_client.hpp"
#include "tests/relay/inbound_parts.hpp"
#include "tests/relay/relay_fixture.hpp"

#include <array>
#include <fcntl.h>
#include <filesystem>

namespace siding::relay {
namespace {

class InboundSessionTest : public RelayTest {
protected:
    InboundSessionTest() { set_phase(Phase::hold, true); }
    ~InboundSessionTest() override {
        sessions_.abort();
        loop_.run(sessions_.join());
    }

    test::InboundClient connect() {
        auto pair = net::StreamPair::create(loop_.executor());
        EXPECT_TRUE(sessions_.spawn(parts_.session(std::move(pair.far))));
        return test::InboundClient{std::move(pair.near)};
    }
    void play(net::awaitable<void> story) { loop_.run(std::move(story)); }

    std::vector<queue::Recipient> rows() const {
        return queue_->store().rows({}, 1000).value().rows;
    }
    std::string body_of(MessageId id) const {
        const auto envelope = queue_->store().read_envelope(id).value();
        std::string body;
        for (std::uint32_t n = 0; n < envelope.body.chunks; ++n) {
            body += queue_->store().read_body_chunk(id, n).value();
        }
        return body;
    }

    test::InboundParts parts_{*queue_, runtime_, loop_, metrics_, make_config()};
    net::TaskGroup sessions_{loop_.executor(), "sessions", 16};
};

const std::string mail = "MAIL FROM:<ann@sender.example> SIZE=12\r\n";
const std::string rcpt = "RCPT TO:<joe@example.com>\r\n";

TEST_F(InboundSessionTest, TakesAPipelinedTransaction) {
    auto client = connect();
    play([](test::InboundClient& peer) -> net::awaitable<void> {
        EXPECT_EQ(co_await peer.code(), 220);
        co_await peer.send("EHLO client.example\r\n");
        EXPECT_EQ(co_await peer.code(), 250);
        co_await peer.send(
            mail + rcpt + "RCPT TO:<kim@example.org>\r\nRCPT TO:<lee@example.com>\r\nDATA\r\n"
        );
        for (const int code : {250, 250, 550, 250, 354}) {
            EXPECT_EQ(co_await peer.code(), code);
        }
        co_await peer.send("Subject: x\r\n\r\n..stuffed\r\n.\r\nQUIT\r\n");
        const std::string queued = co_await peer.reply();
        EXPECT_TRUE(queued.starts_with("250 2.0.0 Ok: queued as ")) << queued;
        EXPECT_EQ(co_await peer.code(), 221);
        EXPECT_TRUE(co_await peer.is_at_end());
    }(client));
    const auto taken = rows();
    ASSERT_EQ(taken.size(), 2U);
    EXPECT_EQ(taken[0].address, "joe@example.com");
    EXPECT_EQ(taken[1].address, "lee@example.com");
    EXPECT_EQ(taken[0].state, State::held);
    EXPECT_EQ(taken[0].sender, "ann@sender.example");
    EXPECT_EQ(body_of(taken[0].id.message), "Subject: x\r\n\r\n.stuffed\r\n");
}

TEST_F(InboundSessionTest, TakesASessionInSingleOctets) {
    auto client = connect();
    const std::string body = "Subject: x\r\n\r\n.\r\n8 bit \xff\r\n...\r\nlast";
    play([](test::InboundClient& peer) -> net::awaitable<void> {
        EXPECT_EQ(co_await peer.code(), 220);
        co_await peer.send_octets("EHLO client.example\r\n");
        EXPECT_EQ(co_await peer.code(), 250);
        co_await peer.send_octets(mail + rcpt + "DATA\r\n");
        for (const int code : {250, 250, 354}) {
            EXPECT_EQ(co_await peer.code(), code);
        }
        co_await peer.send_octets(
            "Subject: x\r\n\r\n..\r\n8 bit \xff\r\n....\r\nlast\r\n.\r\nQUIT\r\n"
        );
        EXPECT_EQ(co_await peer.code(), 250);
        EXPECT_EQ(co_await peer.code(), 221);
    }(client));
    ASSERT_EQ(rows().size(), 1U);
    EXPECT_EQ(body_of(rows()[0].id.message), body + "\r\n");
}

TEST_F(InboundSessionTest, TakesManyMessagesOnOneConnection) {
    auto client = connect();
    const std::string large(3 * limits::body_chunk_octets, 'x');
    play([](test::InboundClient& peer, const std::string& big) -> net::awaitable<void> {
        EXPECT_EQ(co_await peer.code(), 220);
        co_await peer.send("HELO client.example\r\n");
        EXPECT_EQ(co_await peer.code(), 250);
        const std::array<std::string, 4> bodies{"one", big, "", "four"};
        for (const std::string& body : bodies) {
            co_await peer.begin();
            co_await peer.send(body + (body.empty() ? "" : "\r\n") + ".\r\n");
            EXPECT_EQ(co_await peer.code(), 250);
        }
        co_await peer.send("QUIT\r\n");
        EXPECT_EQ(co_await peer.code(), 221);
    }(client, large));
    const auto taken = rows();
    ASSERT_EQ(taken.size(), 4U);
    EXPECT_EQ(body_of(taken[0].id.message), "one\r\n");
    EXPECT_EQ(body_of(taken[1].id.message) == large + "\r\n", true);
    EXPECT_EQ(body_of(taken[2].id.message), "");
    EXPECT_EQ(body_of(taken[3].id.message), "four\r\n");
}

TEST_F(InboundSessionTest, AMessageThatIsCutOffIsNoMessage) {
    auto client = connect();
    play([](test::InboundClient& peer) -> net::awaitable<void> {
        EXPECT_EQ(co_await peer.code(), 220);
        co_await peer.send("EHLO client.example\r\n");
        EXPECT_EQ(co_await peer.code(), 250);
        co_await peer.begin();
        co_await peer.send(std::string(2 * limits::body_chunk_octets, 'x') + "\r\nno end");
        peer.close();
    }(client));
    loop_.run(sessions_.join());
    EXPECT_TRUE(rows().empty());
}

// Whatever it is that the queue's log is written to, it is a full disk from now on.
void fill_disk(const std::filesystem::path& directory) {
    int changed = 0;
    for (const auto& entry : std::filesystem::directory_iterator{"/proc/self/fd"}) {
        std::error_code gone;
        const auto target = std::filesystem::read_symlink(entry.path(), gone);
        if (gone || target.extension() != ".log" ||
            !target.string().starts_with(directory.string())) {
            continue;
        }
        const int full = ::open("/dev/full", O_WRONLY | O_CLOEXEC);
        ASSERT_GE(full, 0);
        ASSERT_GE(::dup3(full, std::stoi(entry.path().filename()), O_CLOEXEC), 0);
        ::close(full);
        ++changed;
    }
    ASSERT_GE(changed, 1) << "no write-ahead log is open";
}

TEST_F(InboundSessionTest, AFailedDiskIsNeverAnswered250) {
    auto client = connect();
    auto other = connect();
    const std::string database = (directory_ / "queue").string();
    play(
        [](test::InboundClient& peer, test::InboundClient& next, const std::string& where
        ) -> net::awaitable<void> {
            EXPECT_EQ(co_await peer.code(), 220);
            co_await peer.send("EHLO client.example\r\n");
            EXPECT_EQ(co_await peer.code(), 250);
            EXPECT_EQ(co_await next.code(), 220);
            co_await next.send("EHLO client.example\r\n");
            EXPECT_EQ(co_await next.code(), 250);
            co_await peer.begin();
            co_await peer.send("hi\r\n.\r\n");
            EXPECT_EQ(co_await peer.code(), 250);

            co_await peer.begin();
            co_await next.begin();
            fill_disk(where);
            co_await peer.send("hi\r\n.\r\n");
            const std::string refused = co_await peer.reply();
            EXPECT_TRUE(refused.starts_with("451 4.3.0")) << refused;
            co_await next.send("hi\r\n.\r\n");
            EXPECT_EQ(co_await next.code(), 451);
            for (int i = 0; i < 3; ++i) {
                co_await peer.send(mail);
                EXPECT_EQ(co_await peer.code(), 451);
            }
        }(client, other, database)
    );
    EXPECT_TRUE(queue_->store().failed());
    EXPECT_EQ(rows().size(), 1U);
}

// A large body is written ahead: the failure comes before its end, the answer after it.
TEST_F(InboundSessionTest, AFailedDiskInTheMiddleOfABodyIsToldAtItsEnd) {
    auto client = connect();
    const std::string database = (directory_ / "queue").string();
    play([](test::InboundClient& peer, const std::string& where) -> net::awaitable<void> {
        EXPECT_EQ(co_await peer.code(), 220);
        co_await peer.send("EHLO client.example\r\n");
        EXPECT_EQ(co_await peer.code(), 250);
        co_await peer.begin();
        fill_disk(where);
        for (int i = 0; i < 40; ++i) {
            co_await peer.send(std::string(limits::body_chunk_octets / 4, 'x') + "\r\n");
        }
        co_await peer.send(".\r\nNOOP\r\n");
        EXPECT_EQ(co_await peer.code(), 451);
        EXPECT_EQ(co_await peer.code(), 250) << "in step: this is NOOP's answer";
    }(client, database));
    EXPECT_TRUE(rows().empty());
}

TEST_F(InboundSessionTest, BelowTheDisksReserveNewMailIsRefused) {
    reserve_ = [](std::uint64_t disk) { return disk; };
    queue_.reset();
    open();
    test::InboundParts parts{*queue_, runtime_, loop_, metrics_, make_config()};
    auto pair = net::StreamPair::create(loop_.executor());
    ASSERT_TRUE(sessions_.spawn(parts.session(std::move(pair.far))));
    test::InboundClient client{std::move(pair.near)};
    play([](test::InboundClient& peer) -> net::awaitable<void> {
        EXPECT_EQ(co_await peer.code(), 220);
        co_await peer.send("EHLO client.example\r\n");
        EXPECT_EQ(co_await peer.code(), 250);
        co_await peer.send(mail);
        const std::string refused = co_await peer.reply();
        EXPECT_TRUE(refused.starts_with("452 4.3.1")) << refused;
        co_await peer.send("QUIT\r\n");
        EXPECT_EQ(co_await peer.code(), 221);
        peer.close();
    }(client));
    loop_.run(sessions_.join());
}

// The answers of a transaction are those of the phase at its MAIL.
TEST_F(InboundSessionTest, AFlipCountsFromTheNextTransaction) {
    auto client = connect();
    play([](test::InboundClient& peer, std::function<void()> flip) -> net::awaitable<void> {
        EXPECT_EQ(co_await peer.code(), 220);
        co_await peer.send("EHLO client.example\r\n");
        EXPECT_EQ(co_await peer.code(), 250);
        co_await peer.begin();
        flip();
        co_await peer.send("one\r\n.\r\n");
        EXPECT_EQ(co_await peer.code(), 250);
        co_await peer.begin();
        co_await peer.send("two\r\n.\r\n");
        EXPECT_EQ(co_await peer.code(), 250);
    }(client, [this] { set_phase(Phase::pass_old); }));
    ASSERT_EQ(rows().size(), 2U);
    EXPECT_EQ(rows()[0].state, State::held);
    EXPECT_EQ(rows()[1].state, State::due);
    EXPECT_EQ(rows()[1].lane, "old");
}

}  // namespace
}  // namespace siding::relay

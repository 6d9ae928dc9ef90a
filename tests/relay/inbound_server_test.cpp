#include "relay/inbound_server.hpp"

#include "net/connect.hpp"
#include "net/listener.hpp"
#include "tests/relay/inbound_client.hpp"
#include "tests/relay/inbound_parts.hpp"
#include "tests/relay/relay_fixture.hpp"

namespace siding::relay {
namespace {

using namespace std::chrono_literals;

class InboundServerTest : public RelayTest {
protected:
    explicit InboundServerTest(config::Listener listener = {})
        : parts_{*queue_, runtime_, loop_, metrics_, config_of(std::move(listener))} {
        set_phase(Phase::hold, true);
        std::vector<net::UniqueFd> listeners;
        listeners.push_back(net::listen_tcp({"127.0.0.1", 0}).value());
        EXPECT_TRUE(server_.start(std::move(listeners)));
    }
    ~InboundServerTest() override { loop_.run(server_.stop(100ms)); }

    static config::Config config_of(config::Listener listener) {
        auto config = make_config();
        config.limits.connections_per_client = 2;
        config.listeners = {std::move(listener)};
        return config;
    }
    test::InboundClient connect() {
        net::HostPort target{"127.0.0.1", server_.addresses().front().port};
        return test::InboundClient{get(net::connect(std::move(target))).value()};
    }
    void play(net::awaitable<void> story) { loop_.run(std::move(story)); }

    test::InboundParts parts_;
    InboundServer server_{InboundServer::Parts{
        runtime_,
        *queue_,
        parts_.live,
        parts_.directory,
        metrics_,
        [](const std::string&, WallTime) {}}};
};

net::awaitable<void> greet(test::InboundClient& peer) {
    EXPECT_EQ(co_await peer.code(), 220);
    co_await peer.send("EHLO client.example\r\n");
    EXPECT_EQ(co_await peer.code(), 250);
}

TEST_F(InboundServerTest, AClientHasSoManyConnectionsAndNoMore) {
    auto first = connect();
    auto second = connect();
    play(greet(first));
    play(greet(second));
    EXPECT_EQ(server_.sessions(), 2U);
    auto third = connect();
    play([](test::InboundClient& peer) -> net::awaitable<void> {
        const std::string refused = co_await peer.reply();
        EXPECT_TRUE(refused.starts_with("421 4.7.0")) << refused;
        EXPECT_TRUE(co_await peer.is_at_end());
    }(third));
    EXPECT_EQ(server_.sessions(), 2U);

    // A place that is given up can be taken.
    play([](test::InboundClient& peer) -> net::awaitable<void> {
        co_await peer.send("QUIT\r\n");
        EXPECT_EQ(co_await peer.code(), 221);
        EXPECT_TRUE(co_await peer.is_at_end());
        peer.close();
    }(first));
    run_until([&] { return server_.sessions() == 1; });
    auto fourth = connect();
    play(greet(fourth));
}

TEST_F(InboundServerTest, AStopWaitsForTheMessageUnderWay) {
    auto idle = connect();
    auto busy = connect();
    play(greet(idle));
    play([](test::InboundClient& peer) -> net::awaitable<void> {
        co_await greet(peer);
        co_await peer.begin();
        co_await peer.send("first line\r\n");
    }(busy));

    net::TaskGroup stopping{loop_.executor(), "stop", 1};
    ASSERT_TRUE(stopping.spawn(server_.stop(15s)));
    play([](test::InboundClient& peer) -> net::awaitable<void> {
        EXPECT_EQ(co_await peer.code(), 421);
        EXPECT_TRUE(co_await peer.is_at_end());
        peer.close();
    }(idle));
    EXPECT_EQ(stopping.count(), 1U) << "the other one is still in its message";
    play([](test::InboundClient& peer) -> net::awaitable<void> {
        co_await peer.send("last line\r\n.\r\n");
        EXPECT_EQ(co_await peer.code(), 250);
        EXPECT_EQ(co_await peer.code(), 421);
        EXPECT_TRUE(co_await peer.is_at_end());
        peer.close();
    }(busy));
    loop_.run(stopping.join());
    EXPECT_EQ(server_.sessions(), 0U);
    const auto taken = queue_->store().rows({}, 10).value().rows;
    ASSERT_EQ(taken.size(), 1U);
    EXPECT_EQ(
        queue_->store().read_body_chunk(taken[0].id.message, 0).value(),
        "first line\r\nlast line\r\n"
    );
}

TEST_F(InboundServerTest, AStopEndsAtItsDeadline) {
    auto busy = connect();
    play([](test::InboundClient& peer) -> net::awaitable<void> {
        co_await greet(peer);
        co_await peer.begin();
        co_await peer.send("a message without an end\r\n");
    }(busy));
    loop_.run(server_.stop(50ms));
    EXPECT_EQ(server_.sessions(), 0U);
    EXPECT_TRUE(queue_->store().rows({}, 10).value().rows.empty());
}

config::Listener behind_a_balancer() {
    config::Listener listener;
    listener.address.port = 0;
    listener.proxy_protocol.networks = {Network::parse("127.0.0.1").value()};
    listener.proxy_protocol.required = true;
    return listener;
}

class BehindABalancerTest : public InboundServerTest {
protected:
    BehindABalancerTest() : InboundServerTest{behind_a_balancer()} {}
};

// Who is turned away could else hold any number of connections by not closing them.
TEST_F(BehindABalancerTest, AConnectionThatIsTurnedAwayCountsUntilItIsClosed) {
    auto stranger = connect();
    play([](test::InboundClient& peer) -> net::awaitable<void> {
        co_await peer.send("EHLO client.example\r\n");
        EXPECT_EQ(co_await peer.code(), 421);
    }(stranger));
    EXPECT_EQ(server_.sessions(), 1U);
    stranger.close();
    run_until([&] { return server_.sessions() == 0; });

    std::vector<test::InboundClient> clients;
    for (const int code : {220, 220, 421}) {
        clients.push_back(connect());
        play([](test::InboundClient& peer, int expected) -> net::awaitable<void> {
            co_await peer.send("PROXY TCP4 192.0.2.9 127.0.0.1 40000 25\r\n");
            EXPECT_EQ(co_await peer.code(), expected);
        }(clients.back(), code));
    }
    EXPECT_EQ(server_.sessions(), 3U);
    clients.back().close();
    run_until([&] { return server_.sessions() == 2; });
}

}  // namespace
}  // namespace siding::relay

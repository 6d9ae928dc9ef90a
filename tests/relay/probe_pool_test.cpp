#include "relay/probe_pool.hpp"

#include "dns/resolver.hpp"
#include "tests/relay/relay_fixture.hpp"
#include "tests/support/fake_dns.hpp"
#include "tests/support/scripted_peer.hpp"

namespace siding::relay {
namespace {

using namespace std::chrono_literals;
using smtp::VerdictKind;
using test::Script;
using Kinds = std::vector<VerdictKind>;
using Recipients = std::vector<std::string>;

Script answers(const std::string& reply) {
    return {{"MAIL FROM:<probe@x>", "250 ok"}, {"RCPT TO:<", reply}, {"RSET", "250 ok"}};
}

class ProbePoolTest : public RelayTest {
protected:
    ProbePoolTest() {
        configure([](config::Config&) {});
    }
    ~ProbePoolTest() override {
        loop_.run(pool_->stop());
        pool_.reset();
        loop_.run(peer_.stop());
        EXPECT_EQ(peer_.problems(), std::vector<std::string>{});
    }

    void configure(const std::function<void(config::Config&)>& change) {
        auto next = make_config();
        next.servers["new"].address = {"127.0.0.1", peer_.port()};
        change(next);
        config_.apply(std::move(next));
    }
    // Idle connections stay for an hour, if not said otherwise.
    void start(std::chrono::milliseconds idle_timeout = 1h) {
        pool_ = std::make_unique<ProbePool>(
            *queue_, config_, next_hops_, loop_.executor(), idle_timeout
        );
        ASSERT_TRUE(pool_->start());
    }
    ProbeAnswer ask(const Recipients& recipients, const std::string& server = "new") {
        return get(pool_->prober()(server, "probe@x", recipients));
    }
    static Kinds kinds_of(const ProbeAnswer& answer) {
        Kinds kinds;
        for (const smtp::Verdict& verdict : answer.verdicts) {
            kinds.push_back(verdict.kind);
        }
        return kinds;
    }

    test::ScriptedPeer peer_{loop_.executor()};
    test::FakeDns dns_{loop_.executor()};
    config::Live config_{make_config()};
    dns::Resolver resolver_{loop_.executor()};
    NextHops next_hops_{config_, resolver_};
    std::unique_ptr<ProbePool> pool_;
};

TEST_F(ProbePoolTest, AsksWhereTheMailWouldGo) {
    dns_.add(test::dns_mx("new.example", 10, "mx1.new.example"));
    dns_.add(test::dns_address("mx1.new.example", "127.0.0.1"));
    configure([this](config::Config& config) {
        config.dns.servers = {{dns_.address().host, dns_.address().port}};
        config.servers["new"].address.host = "new.example";
        config.servers["new"].mx = true;
    });
    start();
    peer_.expect(test::hello() + answers("250 ok"));
    EXPECT_EQ(kinds_of(ask({"a@example.com"})), Kinds{VerdictKind::delivered});
    EXPECT_EQ(peer_.connections(), 1U);
}

TEST_F(ProbePoolTest, OneConnectionAnswersManyQuestions) {
    start();
    peer_.expect(
        test::hello() + answers("250 ok") + answers("550 5.1.1 nobody") + answers("450 grey")
    );
    EXPECT_EQ(kinds_of(ask({"a@example.com"})), Kinds{VerdictKind::delivered});
    const auto unknown = ask({"b@example.com"});
    EXPECT_EQ(kinds_of(unknown), Kinds{VerdictKind::permanent});
    EXPECT_EQ(unknown.verdicts[0].text, "550 5.1.1 nobody");
    EXPECT_EQ(unknown.verdicts[0].stage, smtp::Stage::rcpt);
    EXPECT_EQ(kinds_of(ask({"c@example.com"})), Kinds{VerdictKind::transient});
    EXPECT_EQ(peer_.connections(), 1U);
    EXPECT_EQ(peer_.lines()[0], "EHLO hold.example.net");
    loop_.run(pool_->stop());
    run_until([&] { return peer_.open() == 0; });
    EXPECT_EQ(peer_.problems(), std::vector<std::string>{}) << "QUIT, then the end";
}

TEST_F(ProbePoolTest, AnIdleConnectionIsLeftPolitely) {
    start(1ms);
    peer_.expect(test::hello() + answers("250 ok"));
    EXPECT_EQ(kinds_of(ask({"a@example.com"})), Kinds{VerdictKind::delivered});
    run_until([&] { return peer_.is_done(); });
    peer_.expect(test::hello() + answers("250 ok"));
    EXPECT_EQ(kinds_of(ask({"a@example.com"})), Kinds{VerdictKind::delivered});
    EXPECT_EQ(peer_.connections(), 2U);
}

// It closes as it hears the second question: the question goes over a new connection.
TEST_F(ProbePoolTest, AConnectionThatTheServerLeavesCostsNoAnswer) {
    start();
    peer_.expect(test::hello() + answers("250 ok") + Script{{"MAIL", test::drop}});
    EXPECT_EQ(kinds_of(ask({"a@example.com"})), Kinds{VerdictKind::delivered});
    peer_.expect(test::hello() + answers("550 5.1.1 nobody"));
    EXPECT_EQ(kinds_of(ask({"b@example.com"})), Kinds{VerdictKind::permanent});
    EXPECT_EQ(peer_.connections(), 2U);
}

TEST_F(ProbePoolTest, AFreshConnectionThatIsLostIsAnAnswer) {
    start();
    peer_.expect(test::hello() + Script{{"MAIL", "250 ok"}, {"RCPT", test::drop}});
    EXPECT_EQ(kinds_of(ask({"a@example.com"})), Kinds{VerdictKind::transient});
    EXPECT_EQ(peer_.connections(), 1U);
}

TEST_F(ProbePoolTest, ThereAreNoMoreConnectionsThanAllowed) {
    configure([](config::Config& config) { config.verify.connections = 1; });
    start();
    peer_.expect(test::hello() + answers("250 ok") + answers("550 5.1.1 nobody"));
    std::optional<ProbeAnswer> first;
    std::optional<ProbeAnswer> second;
    net::TaskGroup asking{loop_.executor(), "asking", 2};
    ASSERT_TRUE(asking.spawn(keep(pool_->probe("new", "probe@x", {"a@example.com"}), first)));
    ASSERT_TRUE(asking.spawn(keep(pool_->probe("new", "probe@x", {"b@example.com"}), second)));
    run_until([&] { return asking.count() == 0; });
    ASSERT_TRUE(first && second);
    EXPECT_EQ(kinds_of(*first), Kinds{VerdictKind::delivered});
    EXPECT_EQ(kinds_of(*second), Kinds{VerdictKind::permanent});
    EXPECT_EQ(peer_.connections(), 1U);
}

TEST_F(ProbePoolTest, AServerThatSaysNothingHasATimeLimit) {
    configure([](config::Config& config) { config.verify.timeout = 1s; });
    start();
    peer_.expect(
        test::hello({"PIPELINING"}) +
        Script{{"MAIL", "250 ok"}, {"RCPT", "550 5.1.1 nobody"}, {"RCPT", test::hang}}
    );
    const auto answer = ask({"a@example.com", "b@example.com"});
    EXPECT_EQ(kinds_of(answer), (Kinds{VerdictKind::permanent, VerdictKind::transient}));
    EXPECT_EQ(answer.verdicts[0].text, "550 5.1.1 nobody");
    EXPECT_EQ(answer.verdicts[1].text, "no answer within 1000 ms");
    run_until([&] { return peer_.open() == 0; });
}

TEST_F(ProbePoolTest, TheWaitForAConnectionHasATimeLimitToo) {
    configure([](config::Config& config) {
        config.verify.connections = 0;
        config.verify.timeout = 50ms;
    });
    start();
    EXPECT_EQ(kinds_of(ask({"a@example.com"})), Kinds{VerdictKind::transient});
    EXPECT_EQ(peer_.connections(), 0U);
}

TEST_F(ProbePoolTest, RecipientsGoInAsManyProbesAsTheServerWants) {
    start();
    const std::vector<std::string> limits{"LIMITS RCPTMAX=1 MAILMAX=2"};
    peer_.expect(test::hello(limits) + answers("250 ok") + answers("550 5.1.1 nobody"));
    peer_.expect(test::hello(limits) + answers("250 ok"));
    EXPECT_EQ(
        kinds_of(ask({"a@example.com", "b@example.com", "c@example.com"})),
        (Kinds{VerdictKind::delivered, VerdictKind::permanent, VerdictKind::delivered})
    );
    EXPECT_EQ(peer_.connections(), 2U);
}

// Postfix hangs up after twenty errors in a session.
TEST_F(ProbePoolTest, AConnectionIsLeftBeforeItHasHeardTooManyRefusals) {
    start();
    Script eight = test::hello();
    for (int i = 0; i < 8; ++i) {
        eight = eight + answers("550 5.1.1 nobody");
    }
    peer_.expect(eight);
    peer_.expect(test::hello() + answers("250 ok"));
    for (int i = 0; i < 8; ++i) {
        EXPECT_EQ(kinds_of(ask({"a@example.com"})), Kinds{VerdictKind::permanent});
    }
    EXPECT_EQ(kinds_of(ask({"b@example.com"})), Kinds{VerdictKind::delivered});
    EXPECT_EQ(peer_.connections(), 2U);
}

TEST_F(ProbePoolTest, SoManyRecipientsAreAskedOverTwoConnections) {
    start();
    Script first = test::hello() + Script{{"MAIL", "250 ok"}};
    for (int i = 0; i < 8; ++i) {
        first.push_back({"RCPT", "550 5.1.1 nobody"});
    }
    peer_.expect(first + Script{{"RSET", "250 ok"}});
    peer_.expect(test::hello() + answers("250 ok"));
    const Recipients nine(9, "a@example.com");
    EXPECT_EQ(kinds_of(ask(nine)).back(), VerdictKind::delivered);
    EXPECT_EQ(peer_.connections(), 2U);
}

TEST_F(ProbePoolTest, AServerThatRefusesTheSessionSaysNothingAboutAnybody) {
    start();
    peer_.expect({{"", "554 5.7.1 go away"}});
    EXPECT_EQ(
        kinds_of(ask({"a@example.com", "b@example.com"})),
        (Kinds{VerdictKind::transient, VerdictKind::transient})
    );
    EXPECT_EQ(kinds_of(ask({"a@example.com"}, "gone")), Kinds{VerdictKind::transient});
}

}  // namespace
}  // namespace siding::relay

// Mail that goes on to a scripted server while its sender waits: who hears what, and what is kept.
#include "dns/resolver.hpp"
#include "relay/remap_table.hpp"
#include "relay/upstream_pool.hpp"
#include "tests/relay/inbound_client.hpp"
#include "tests/relay/inbound_parts.hpp"
#include "tests/relay/relay_fixture.hpp"
#include "tests/support/scripted_peer.hpp"

#include <atomic>

namespace siding::relay {
namespace {

using test::hello;
using test::Script;

// What the client says, and how the answer begins; with nothing to say it only listens.
using Exchange = std::vector<std::pair<std::string, std::string>>;

const std::string text = "Subject: x\r\n\r\nhi\r\n";

class PassThroughTest : public RelayTest {
protected:
    PassThroughTest() : peer_{loop_.executor()} {
        reserve_ = [this](std::uint64_t disk) { return is_disk_full_ ? disk : 0; };
        queue_.reset();
        open();
        config::Config config = make_config();
        config.servers["old"].address = {"127.0.0.1", peer_.port()};
        config.servers["old"].tls = config::ServerTls::off;
        config.servers["new"].address = {"127.0.0.1", 1};
        config.servers["new"].tls = config::ServerTls::off;
        config.domains.emplace(other(), config::DomainSettings{});
        config.pass_through.rcpt_timeout = std::chrono::milliseconds{300};
        config.pass_through.data_timeout = std::chrono::milliseconds{300};
        parts_.emplace(*queue_, runtime_, loop_, metrics_, std::move(config));
        next_hops_.emplace(parts_->live, resolver_);
        remaps_.emplace(*queue_, parts_->live);
        const UpstreamPool::Parts parts{*queue_, parts_->live, *next_hops_, &*remaps_, tally_};
        pools_.emplace(parts, std::vector<net::asio::any_io_executor>{loop_.executor()});
        EXPECT_TRUE(pools_->start());
        parts_->context.upstreams = &*pools_;
        start_in(example(), Phase::pass_old);
        start_in(other(), Phase::hold);
    }
    ~PassThroughTest() override {
        sessions_.abort();
        loop_.run(sessions_.join());
        loop_.run(pools_->stop());
        loop_.run(peer_.stop());
        EXPECT_EQ(peer_.problems(), std::vector<std::string>{});
    }

    static Domain other() { return Domain::parse("held.example").value(); }
    void start_in(const Domain& domain, Phase phase, const std::string& copy = {}) {
        queue::PhaseMove move{domain};
        move.to = phase;
        move.initial = copy.empty();
        move.copy = copy;
        queue::SetPhases phases;
        phases.moves.push_back(std::move(move));
        commit(std::move(phases));
    }

    static net::awaitable<void> talk(test::InboundClient& client, Exchange exchange) {
        for (const auto& [say, expected] : exchange) {
            if (!say.empty()) {
                co_await client.send(say);
            }
            const std::string answer = co_await client.reply();
            EXPECT_EQ(answer.substr(0, expected.size()), expected) << "after " << say;
        }
    }
    test::InboundClient connect() {
        auto pair = net::StreamPair::create(loop_.executor());
        EXPECT_TRUE(sessions_.spawn(parts_->session(std::move(pair.far))));
        test::InboundClient client{std::move(pair.near)};
        loop_.run(talk(client, {{"", "220 "}, {"EHLO client.example\r\n", "250 "}}));
        return client;
    }
    // One session from the greeting to its end.
    void play(const Exchange& exchange) {
        auto client = connect();
        loop_.run(talk(client, exchange));
        client.close();
        loop_.run(sessions_.join());
        loop_.context().restart();
    }
    static Exchange message(const std::string& rcpt, const std::string& answer) {
        return {
            {"MAIL FROM:<ann@sender.example>\r\n", "250 2.1.0 Ok"},
            {"RCPT TO:<joe@example.com>\r\n", rcpt},
            {"DATA\r\n", "354 "},
            {text + ".\r\n", answer}};
    }

    void change(const std::function<void(config::Config&)>& edit) {
        config::Config config = *parts_->live.get();
        edit(config);
        parts_->live.apply(std::move(config));
    }

    std::vector<queue::Recipient> rows() const {
        return queue_->store().rows({}, 1000).value().rows;
    }
    std::vector<queue::LedgerEntry> ledger() const {
        std::vector<queue::LedgerEntry> lines;
        for (auto& line : queue_->store().read_ledger(1, 1000).value()) {
            if (line.kind != LedgerKind::started && line.kind != LedgerKind::phase) {
                lines.push_back(std::move(line));
            }
        }
        return lines;
    }
    std::vector<LedgerKind> kinds() const {
        std::vector<LedgerKind> out;
        for (const auto& line : ledger()) {
            out.push_back(line.kind);
        }
        return out;
    }

    std::atomic<bool> is_disk_full_ = false;
    test::ScriptedPeer peer_;
    dns::Resolver resolver_{loop_.executor()};
    PassTally tally_{metrics_};
    std::optional<test::InboundParts> parts_;
    std::optional<NextHops> next_hops_;
    std::optional<RemapTable> remaps_;
    std::optional<UpstreamPools> pools_;
    net::TaskGroup sessions_{loop_.executor(), "sessions", 16};
};

const std::string queued = "250 2.0.0 Ok: queued as ";

TEST_F(PassThroughTest, TheSenderHearsTheServersYes) {
    peer_.expect(
        hello() +
        Script{
            {"MAIL FROM:<ann@sender.example>", "250 2.1.0 sender ok"},
            {"RCPT TO:<joe@example.com>", "250 2.1.5 peer.example knows <joe@peer.example>"},
            {"DATA", "354 go on"},
            {".", "250 2.6.0 kept by peer.example as 4F2"}}
    );
    play(message(
        "250 2.1.5 hold.example.net knows <joe@peer.example>",
        "250 2.6.0 kept by hold.example.net as 4F2"
    ));
    ASSERT_EQ(peer_.messages().size(), 1U);
    EXPECT_TRUE(peer_.messages()[0].starts_with("Received: from client.example"));
    EXPECT_TRUE(peer_.messages()[0].ends_with(text));
    EXPECT_TRUE(rows().empty());
    const auto lines = ledger();
    ASSERT_EQ(kinds(), (std::vector{LedgerKind::accepted, LedgerKind::delivered}));
    EXPECT_EQ(lines[0].size_octets, text.size());
    EXPECT_EQ(lines[1].server, "old");
    EXPECT_EQ(lines[1].reply, "250 2.6.0 kept by peer.example as 4F2");
    EXPECT_EQ(lines[1].peer, "127.0.0.1:" + std::to_string(peer_.port()));
    EXPECT_EQ(tally_.all().at(0).delivered, 1U);
}

TEST_F(PassThroughTest, TheLedgerKnowsTheAddressThatTheServerWasTold) {
    ASSERT_TRUE(get(remaps_->add(
        Address::parse("joe@example.com").value(),
        Address::parse("joseph@new.example").value(),
        "test"
    )));
    peer_.expect(
        hello() +
        Script{
            {"MAIL FROM:<", "250 ok"},
            {"RCPT TO:<ann@example.com>", "250 ok"},
            {"RCPT TO:<joseph@new.example>", "250 ok"},
            {"DATA", "354 go on"},
            {".", "250 2.6.0 kept"}}
    );
    play(
        {{"MAIL FROM:<ann@sender.example>\r\n", "250 2.1.0 Ok"},
         {"RCPT TO:<ann@example.com>\r\n", "250 ok"},
         {"RCPT TO:<joe@example.com>\r\n", "250 ok"},
         {"DATA\r\n", "354 "},
         {text + ".\r\n", "250 2.6.0 kept"}}
    );
    const auto lines = ledger();
    ASSERT_EQ(lines.size(), 4U);  // the remap, the message and two recipients
    EXPECT_EQ(lines[2].address, "ann@example.com");
    EXPECT_EQ(lines[2].sent_as, "");
    EXPECT_EQ(lines[3].address, "joe@example.com");
    EXPECT_EQ(lines[3].sent_as, "joseph@new.example");
}

TEST_F(PassThroughTest, TheSenderHearsTheServersNo) {
    peer_.expect(
        hello() +
        Script{
            {"MAIL FROM:<", "250 ok"},
            {"RCPT TO:<eve@", "550 5.1.1 <eve@example.com>: unknown to peer.example"},
            {"RCPT TO:<joe@", "250 ok"},
            {"DATA", "354 go on"},
            {".", "554 5.7.1 peer.example does not like it"}}
    );
    play(
        {{"MAIL FROM:<ann@sender.example>\r\n", "250 2.1.0 Ok"},
         {"RCPT TO:<eve@example.com>\r\n",
          "550 5.1.1 <eve@example.com>: unknown to hold.example.net"},
         {"RCPT TO:<joe@example.com>\r\n", "250 ok"},
         {"DATA\r\n", "354 "},
         {text + ".\r\n", "554 5.7.1 hold.example.net does not like it"}}
    );
    EXPECT_TRUE(rows().empty());
    EXPECT_TRUE(ledger().empty()) << "nothing was accepted";
    EXPECT_EQ(tally_.all().at(0).refused, 2U);
}

TEST_F(PassThroughTest, WhatTheServerCannotTakeNowIsQueued) {
    peer_.expect(
        hello() +
        Script{
            {"MAIL FROM:<", "250 ok"},
            {"RCPT TO:<joe@", "450 4.2.0 greylisted"},
            {"RSET", "250 ok"}}
    );
    play(message("250 2.1.5 Ok", queued));
    run_until([&] { return peer_.lines().back() == "RSET"; });
    ASSERT_EQ(rows().size(), 1U);
    const auto row = rows()[0];
    EXPECT_EQ(row.state, State::due);
    EXPECT_EQ(row.lane, "old");
    EXPECT_EQ(row.attempts, 1U);
    EXPECT_EQ(row.last_reply, "450 4.2.0 greylisted");
    EXPECT_GT(row.due_at, clock_.now());
    EXPECT_FALSE(row.maybe_delivered);
    EXPECT_EQ(kinds(), (std::vector{LedgerKind::accepted, LedgerKind::deferred}));
    EXPECT_EQ(tally_.all().at(0).queued, 1U);
}

TEST_F(PassThroughTest, ARefusalForNowOfTheMessageIsOursToWaitOut) {
    peer_.expect(
        hello() +
        Script{
            {"MAIL FROM:<", "250 ok"},
            {"RCPT TO:<joe@", "250 ok"},
            {"DATA", "354 go on"},
            {".", "451 4.3.0 try later"}}
    );
    play(message("250 ok", queued));
    ASSERT_EQ(rows().size(), 1U);
    EXPECT_EQ(rows()[0].last_reply, "451 4.3.0 try later");
    EXPECT_FALSE(rows()[0].maybe_delivered);
}

TEST_F(PassThroughTest, LostAfterTheLastOctetIsInDoubt) {
    peer_.expect(
        hello() +
        Script{
            {"MAIL FROM:<", "250 ok"},
            {"RCPT TO:<joe@", "250 ok"},
            {"DATA", "354 go on"},
            {".", test::drop}}
    );
    play(message("250 ok", queued));
    ASSERT_EQ(rows().size(), 1U);
    EXPECT_EQ(rows()[0].state, State::due);
    EXPECT_TRUE(rows()[0].maybe_delivered);
    EXPECT_GT(rows()[0].due_at, clock_.now());
    EXPECT_EQ(kinds(), (std::vector{LedgerKind::accepted, LedgerKind::in_doubt}));
    EXPECT_EQ(tally_.all().at(0).in_doubt, 1U);
}

TEST_F(PassThroughTest, ASlowServerIsNotWaitedForLongerThanItsTime) {
    peer_.expect(hello() + Script{{"MAIL FROM:<", "250 ok"}, {"RCPT TO:<joe@", test::hang}});
    play(message("250 2.1.5 Ok", queued));
    ASSERT_EQ(rows().size(), 1U);
    EXPECT_EQ(rows()[0].last_reply, "no answer within 300 ms");
    EXPECT_FALSE(rows()[0].maybe_delivered);

    peer_.expect(
        hello() +
        Script{
            {"MAIL FROM:<", "250 ok"},
            {"RCPT TO:<joe@", "250 ok"},
            {"DATA", "354 go on"},
            {".", test::hang}}
    );
    clock_.advance(std::chrono::seconds{2});
    play(message("250 ok", queued));
    ASSERT_EQ(rows().size(), 2U);
    EXPECT_EQ(rows()[1].last_reply, "no answer within 300 ms");
    EXPECT_TRUE(rows()[1].maybe_delivered);
}

TEST_F(PassThroughTest, ADeadServerCostsOneSenderAConnection) {
    peer_.expect({{"", test::drop}});
    play(message("250 2.1.5 Ok", queued));
    EXPECT_EQ(peer_.connections(), 1U);
    play(message("250 2.1.5 Ok", queued));
    EXPECT_EQ(peer_.connections(), 1U) << "nobody is sent there for a moment";
    ASSERT_EQ(rows().size(), 2U);
    EXPECT_EQ(rows()[0].attempts, 1U);
    EXPECT_EQ(rows()[1].attempts, 0U);
    EXPECT_EQ(rows()[1].due_at, clock_.now());

    clock_.advance(std::chrono::seconds{2});
    peer_.expect(hello() + test::takes_message());
    play(message("250 2.1.5 ok", "250 2.0.0 taken"));
    EXPECT_EQ(peer_.connections(), 2U);
    EXPECT_EQ(rows().size(), 2U);
}

TEST_F(PassThroughTest, AServerThatPutsEverybodyOffIsLeftAlone) {
    const auto session = [](int refusals) {
        Script script = hello();
        for (int i = 0; i < refusals; ++i) {
            script = script + Script{
                                  {"MAIL FROM:<", "250 ok"},
                                  {"RCPT TO:<joe@", "450 4.2.0 greylisted"},
                                  {"RSET", "250 ok"}};
        }
        return script + Script{{"QUIT", "221 bye"}};
    };
    for (const int refusals : {8, 8, 4}) {
        peer_.expect(session(refusals));
    }
    for (int i = 0; i < 24; ++i) {
        play(message("250 2.1.5 Ok", queued));
    }
    const auto all = rows();
    ASSERT_EQ(all.size(), 24U);
    const auto asked = std::ranges::count(all, 1U, &queue::Recipient::attempts);
    EXPECT_EQ(asked, 20) << "then the queue takes it all for a while";
}

TEST_F(PassThroughTest, TransactionsShareAConnection) {
    peer_.expect(hello() + test::takes_message() + test::takes_message());
    play(message("250 2.1.5 ok", "250 2.0.0 taken"));
    play(message("250 2.1.5 ok", "250 2.0.0 taken"));
    EXPECT_EQ(peer_.connections(), 1U);
    EXPECT_EQ(peer_.messages().size(), 2U);
}

TEST_F(PassThroughTest, AConnectionThatDiedMeanwhileIsNobodysTrouble) {
    peer_.expect(
        hello() + test::takes_message() + Script{{"MAIL FROM:<", "421 4.4.2 timeout exceeded"}}
    );
    peer_.expect(hello() + test::takes_message());
    play(message("250 2.1.5 ok", "250 2.0.0 taken"));
    play(message("250 2.1.5 ok", "250 2.0.0 taken"));
    EXPECT_EQ(peer_.connections(), 2U);
    EXPECT_TRUE(rows().empty());
}

TEST_F(PassThroughTest, ATransactionThatIsGivenUpIsGivenUpThere) {
    peer_.expect(
        hello() +
        Script{{"MAIL FROM:<", "250 ok"}, {"RCPT TO:<joe@", "250 ok"}, {"RSET", "250 ok"}} +
        test::takes_message()
    );
    auto client = connect();
    loop_.run(talk(
        client,
        {{"MAIL FROM:<ann@sender.example>\r\n", "250 "},
         {"RCPT TO:<joe@example.com>\r\n", "250 ok"}}
    ));
    EXPECT_EQ(
        parts_->sessions.all().at(0).upstream, "old 127.0.0.1:" + std::to_string(peer_.port())
    );
    loop_.run(talk(client, {{"RSET\r\n", "250 "}}));
    run_until([&] { return peer_.lines().back() == "RSET"; });
    EXPECT_EQ(parts_->sessions.all().at(0).upstream, "");
    loop_.run(talk(client, message("250 2.1.5 ok", "250 2.0.0 taken")));
    EXPECT_EQ(peer_.connections(), 1U);
    client.close();
}

TEST_F(PassThroughTest, OtherRoutesAreNotForTheServer) {
    peer_.expect(hello() + test::takes_message());
    play(
        {{"MAIL FROM:<ann@sender.example>\r\n", "250 "},
         {"RCPT TO:<kim@held.example>\r\n", "250 2.1.5 Ok"},
         {"RCPT TO:<joe@example.com>\r\n", "250 2.1.5 ok"},
         {"DATA\r\n", "354 "},
         {text + ".\r\n", queued}}
    );
    ASSERT_EQ(rows().size(), 1U);
    EXPECT_EQ(rows()[0].address, "kim@held.example");
    EXPECT_EQ(rows()[0].state, State::held);
    EXPECT_EQ(kinds(), (std::vector{LedgerKind::accepted, LedgerKind::delivered}));
    EXPECT_EQ(ledger()[1].address, "joe@example.com");
}

TEST_F(PassThroughTest, WhoIsRefusedAloneIsParkedLater) {
    peer_.expect(
        hello() +
        Script{
            {"MAIL FROM:<", "250 ok"},
            {"RCPT TO:<joe@", "250 ok"},
            {"DATA", "354 go on"},
            {".", "554 5.7.1 spam"}}
    );
    play(
        {{"MAIL FROM:<ann@sender.example>\r\n", "250 "},
         {"RCPT TO:<kim@held.example>\r\n", "250 2.1.5 Ok"},
         {"RCPT TO:<joe@example.com>\r\n", "250 ok"},
         {"DATA\r\n", "354 "},
         {text + ".\r\n", queued}}
    );
    ASSERT_EQ(rows().size(), 2U);
    EXPECT_EQ(rows()[0].state, State::held);
    EXPECT_EQ(rows()[1].state, State::due) << "the lane hears the no again, and parks it";
    EXPECT_EQ(rows()[1].last_reply, "554 5.7.1 spam");
}

TEST_F(PassThroughTest, ACopyIsQueuedForTheOtherServer) {
    start_in(example(), Phase::pass_old, "new");
    peer_.expect(hello() + test::takes_message());
    play(message("250 2.1.5 ok", "250 2.0.0 taken"));
    ASSERT_EQ(rows().size(), 1U);
    const auto row = rows()[0];
    EXPECT_TRUE(row.copy);
    EXPECT_EQ(row.address, "joe@example.com");
    EXPECT_EQ(row.state, State::due);
    EXPECT_EQ(row.lane, "new");
    EXPECT_EQ(row.pinned_server, "new");
    EXPECT_EQ(row.id.number, 1U);
}

TEST_F(PassThroughTest, WhatIsQueuedIsCopiedToo) {
    start_in(example(), Phase::pass_old, "new");
    peer_.expect({{"", test::drop}});
    play(message("250 2.1.5 Ok", queued));
    ASSERT_EQ(rows().size(), 2U);
    EXPECT_EQ(rows()[0].lane, "old");
    EXPECT_EQ(rows()[1].lane, "new");
    EXPECT_TRUE(rows()[1].copy);
}

TEST_F(PassThroughTest, ALargeBodyGoesOnFromTheStore) {
    std::string big;
    while (big.size() < 3 * limits::body_chunk_octets) {
        big += ".a line of it, with a dot in front\r\n";
    }
    std::string stuffed;
    for (std::size_t at = 0; at < big.size(); at = big.find('\n', at) + 1) {
        stuffed += '.' + big.substr(at, big.find('\n', at) + 1 - at);
    }
    change([](config::Config& config) {
        config.pass_through.data_timeout = std::chrono::seconds{20};
    });
    peer_.expect(hello() + test::takes_message());
    play(
        {{"MAIL FROM:<ann@sender.example>\r\n", "250 "},
         {"RCPT TO:<joe@example.com>\r\n", "250 "},
         {"DATA\r\n", "354 "},
         {stuffed + ".\r\n", "250 2.0.0 taken"}}
    );
    ASSERT_EQ(peer_.messages().size(), 1U);
    EXPECT_TRUE(peer_.messages()[0].ends_with(stuffed));
    EXPECT_TRUE(rows().empty());
    EXPECT_EQ(ledger().at(0).size_octets, big.size());
}

TEST_F(PassThroughTest, AConnectionIsWaitedForWhereAllAreTaken) {
    change([](config::Config& config) { config.pass_through.connections = 1; });
    peer_.expect(hello() + test::takes_message() + test::takes_message());
    const Exchange end{{"DATA\r\n", "354 "}, {text + ".\r\n", "250 2.0.0 taken"}};
    auto first = connect();
    auto second = connect();
    loop_.run(talk(
        first,
        {{"MAIL FROM:<ann@sender.example>\r\n", "250 "},
         {"RCPT TO:<joe@example.com>\r\n", "250 2.1.5 ok"}}
    ));
    loop_.run(talk(second, {{"MAIL FROM:<ann@sender.example>\r\n", "250 "}}));
    loop_.run(second.send("RCPT TO:<joe@example.com>\r\n"));
    loop_.run(talk(first, end));
    loop_.run(talk(second, {{"", "250 2.1.5 ok"}}));
    loop_.run(talk(second, end));
    EXPECT_EQ(peer_.connections(), 1U);
    first.close();
    second.close();
}

TEST_F(PassThroughTest, ButNotForLong) {
    change([](config::Config& config) {
        config.pass_through.connections = 1;
        config.pass_through.connect_timeout = std::chrono::milliseconds{100};
    });
    peer_.expect(
        hello() + Script{{"MAIL FROM:<", "250 ok"}, {"RCPT TO:<joe@", "250 ok"}, {"RSET", "250 ok"}}
    );
    auto first = connect();
    loop_.run(talk(
        first,
        {{"MAIL FROM:<ann@sender.example>\r\n", "250 "},
         {"RCPT TO:<joe@example.com>\r\n", "250 ok"}}
    ));
    auto second = connect();
    loop_.run(talk(second, message("250 2.1.5 Ok", queued)));
    ASSERT_EQ(rows().size(), 1U);
    EXPECT_EQ(rows()[0].attempts, 0U);
    first.close();
    second.close();
    run_until([&] { return peer_.lines().back() == "RSET"; });
}

TEST_F(PassThroughTest, AFullDiskIsFoundBeforeTheServerHasTakenAnything) {
    peer_.expect(
        hello() + Script{{"MAIL FROM:<", "250 ok"}, {"RCPT TO:<joe@", "250 ok"}, {"RSET", "250 ok"}}
    );
    auto client = connect();
    loop_.run(talk(
        client,
        {{"MAIL FROM:<ann@sender.example>\r\n", "250 "},
         {"RCPT TO:<joe@example.com>\r\n", "250 ok"},
         {"DATA\r\n", "354 "}}
    ));
    is_disk_full_ = true;
    run_until([&] { return queue_->check_room(0).has_error(); });
    loop_.run(talk(client, {{text + ".\r\n", "452 4.3.1 "}}));
    run_until([&] { return peer_.lines().back() == "RSET"; });
    client.close();
    EXPECT_TRUE(peer_.messages().empty());
    EXPECT_TRUE(rows().empty());
}

}  // namespace
}  // namespace siding::relay

// Several messages under way on one connection, reading and writing at the same time.
#include "relay/client_connection.hpp"
#include "relay/outbound_session.hpp"
#include "tests/relay/relay_fixture.hpp"
#include "tests/support/scripted_peer.hpp"

#include <map>

namespace siding::relay {
namespace {

using namespace std::chrono_literals;
using smtp::Stage;
using smtp::Verdict;
using smtp::VerdictKind;
using test::Script;

class Octets final : public OutgoingBody {
public:
    explicit Octets(std::vector<std::string> pieces, std::optional<Error> error = {})
        : pieces_{std::move(pieces)}, error_{std::move(error)} {}

    net::awaitable<Result<std::string>> next() override {
        if (given_ == pieces_.size()) {
            co_return error_ ? *error_ : Error{Errc::internal, "no more"};
        }
        co_return pieces_[given_++];
    }
    std::uint64_t size() const {
        std::uint64_t octets = 0;
        for (const std::string& piece : pieces_) {
            octets += piece.size();
        }
        return octets;
    }

private:
    std::vector<std::string> pieces_;
    std::optional<Error> error_;
    std::size_t given_ = 0;
};

smtp::Transaction to(const std::string& recipient, std::uint64_t octets) {
    smtp::Transaction transaction;
    transaction.reverse_path = "a@sender.example";
    transaction.recipients.push_back({recipient, {}});
    transaction.octets = octets;
    return transaction;
}

const std::vector<std::string> streaming{"PIPELINING", "CHUNKING"};

Script takes_chunk(const std::string& reply = "250 2.0.0 taken", bool rset = true) {
    Script script;
    if (rset) {
        script.push_back({"RSET", "250 2.0.0 reset"});
    }
    return script + Script{{"MAIL", "250 ok"}, {"RCPT", "250 ok"}, {"BDAT", reply}};
}

class ClientExchangeTest : public RelayTest {
protected:
    ClientExchangeTest() {
        server_.address = {"127.0.0.1", peer_.port()};
        server_.tls = config::ServerTls::off;
    }
    ~ClientExchangeTest() override {
        connection_.reset();
        loop_.run(peer_.stop());
        EXPECT_EQ(peer_.problems(), std::vector<std::string>{});
    }

    void open(const std::vector<std::string>& keywords, const Script& script) {
        peer_.expect(test::hello(keywords) + script);
        connection_ = std::make_unique<ClientConnection>(tls_clients_, "hold.example.net");
        connection_->set_timeouts(timeouts_);
        const auto failure = get(connection_->open(server_));
        ASSERT_FALSE(failure) << failure->text;
    }
    void close() { loop_.run(connection_->close()); }

    // Begins a message without waiting for it; it is number 0, 1, …
    void begin(Octets body, std::uint64_t octets) {
        const std::size_t number = begun_++;
        const std::string recipient = std::to_string(number) + "@example.com";
        ASSERT_TRUE(tasks_.spawn(send_one(*this, number, to(recipient, octets), std::move(body))));
    }
    void begin(Octets body) {
        const auto octets = body.size();
        begin(std::move(body), octets);
    }
    static net::awaitable<void> send_one(
        ClientExchangeTest& test, std::size_t number, smtp::Transaction transaction, Octets body
    ) {
        auto verdicts = co_await test.connection_->send(std::move(transaction), body);
        EXPECT_EQ(verdicts.size(), 1U);
        test.order_.push_back(number);
        test.verdicts_[number] = verdicts.at(0);
    }
    void wait_for_all() {
        run_until([&] { return tasks_.count() == 0; });
    }

    test::ScriptedPeer peer_{loop_.executor()};
    TlsClients tls_clients_{*queue_};
    config::Server server_;
    ReplyTimeouts timeouts_;
    std::unique_ptr<ClientConnection> connection_;
    net::TaskGroup tasks_{loop_.executor(), "sending", 64};
    std::size_t begun_ = 0;
    std::map<std::size_t, Verdict> verdicts_;
    std::vector<std::size_t> order_;
};

TEST_F(ClientExchangeTest, MessagesAreStreamedInTheOrderOfTheCalls) {
    open(
        streaming,
        takes_chunk("250 one", false) + takes_chunk("250 two") + takes_chunk("550 5.7.1 no")
    );
    EXPECT_EQ(connection_->window(), limits::stream_window);
    begin(Octets{{"0\r\n"}});
    begin(Octets{{"1", "1\r\n"}});
    begin(Octets{{"2\r\n"}});
    wait_for_all();
    EXPECT_EQ(order_, (std::vector<std::size_t>{0, 1, 2}));
    EXPECT_EQ(verdicts_[0].text, "250 one");
    EXPECT_EQ(verdicts_[1].text, "250 two");
    EXPECT_EQ(verdicts_[2].kind, VerdictKind::permanent);
    EXPECT_EQ(peer_.messages(), (std::vector<std::string>{"0\r\n", "11\r\n", "2\r\n"}));
    EXPECT_TRUE(connection_->is_usable());
    close();
    run_until([&] { return peer_.is_done(); });
}

// Nothing is answered before all of it is there.
TEST_F(ClientExchangeTest, NobodyWaitsForAnAnswer) {
    Script script;
    for (int i = 0; i < 5; ++i) {
        if (i > 0) {
            script.push_back({"RSET", "250 ok"});
        }
        script.push_back({"MAIL", i == 0 ? test::silence : "250 ok"});
        script.push_back({"RCPT", i == 0 ? test::silence : "250 ok"});
        script.push_back({"BDAT", i == 0 ? test::silence : "250 ok"});
    }
    script.push_back({"", "250 last"});
    // The first one's three answers come at the very end, and shift the others by three.
    script.push_back({"", "250 last"});
    script.push_back({"", "250 last"});
    open(streaming, script);
    for (int i = 0; i < 5; ++i) {
        begin(Octets{{"x\r\n"}});
    }
    wait_for_all();
    for (std::size_t i = 0; i < 5; ++i) {
        EXPECT_EQ(verdicts_[i].kind, VerdictKind::delivered);
    }
    EXPECT_EQ(verdicts_[4].text, "250 last");
    EXPECT_EQ(peer_.messages().size(), 5U);
}

// A peer that does not read while it writes, and writes more than any buffer holds: who only wrote
// would never hear the end of it.
TEST_F(ClientExchangeTest, BothSidesMayHaveMuchToSay) {
    std::string flood;
    for (int line = 0; line < 100; ++line) {
        flood += "250-" + std::string(4000, 'x') + "\r\n";
    }
    flood += "250 end";
    Script script;
    for (int i = 0; i < 8; ++i) {
        if (i > 0) {
            script.push_back({"RSET", flood});
        }
        script = script + Script{{"MAIL", flood}, {"RCPT", flood}, {"BDAT", flood}};
    }
    open(streaming, script);
    const std::string piece(256 * 1024, 'y');
    for (int i = 0; i < 8; ++i) {
        begin(Octets{{piece, piece, piece, piece}});
    }
    wait_for_all();
    for (std::size_t i = 0; i < 8; ++i) {
        EXPECT_EQ(verdicts_[i].kind, VerdictKind::delivered);
        EXPECT_EQ(peer_.messages().at(i).size(), 4 * piece.size());
    }
    close();
}

TEST_F(ClientExchangeTest, AReplyWithoutEndIsCutOff) {
    std::string flood;
    for (std::size_t line = 0; line <= limits::reply_lines_max; ++line) {
        flood += "250-more\r\n";
    }
    open({}, {{"MAIL", flood}});
    begin(Octets{{"x\r\n"}});
    wait_for_all();
    EXPECT_EQ(verdicts_[0].kind, VerdictKind::transient);
    EXPECT_NE(verdicts_[0].text.find("malformed reply"), std::string::npos);
    EXPECT_FALSE(connection_->is_usable());
}

// It says so in the middle of the body, and closes with most of it unread.
TEST_F(ClientExchangeTest, LastWordsAreHeardThoughNothingCanBeWritten) {
    open(
        {"PIPELINING"},
        {{"MAIL", "250 ok"},
         {"RCPT", "250 ok"},
         {"DATA", "354 go on"},
         {"x", "421 4.3.2 going down"},
         {"", test::drop}}
    );
    std::vector<std::string> pieces(64, "x\r\n" + std::string(256 * 1024, 'x'));
    begin(Octets{std::move(pieces)});
    wait_for_all();
    EXPECT_EQ(verdicts_[0].text, "421 4.3.2 going down");
    EXPECT_EQ(verdicts_[0].kind, VerdictKind::transient);
    EXPECT_EQ(verdicts_[0].stage, Stage::body);
}

TEST_F(ClientExchangeTest, ALossTellsWhoIsInDoubt) {
    open(
        streaming, takes_chunk("250 one", false) + Script{{"RSET", "250 ok"}, {"MAIL", test::drop}}
    );
    begin(Octets{{"0\r\n"}});
    begin(Octets{{"1\r\n"}});
    wait_for_all();
    EXPECT_EQ(verdicts_[0].kind, VerdictKind::delivered);
    EXPECT_EQ(verdicts_[1].kind, VerdictKind::in_doubt);
    EXPECT_FALSE(connection_->is_usable());
    begin(Octets{{"2\r\n"}});
    wait_for_all();
    EXPECT_EQ(verdicts_[2].kind, VerdictKind::transient) << "the connection is gone";
}

TEST_F(ClientExchangeTest, ABodyThatFailsWaitsForThoseBefore) {
    open(
        streaming,
        takes_chunk("250 one", false) +
            Script{{"RSET", "250"}, {"MAIL", "250"}, {"RCPT", "250"}, {"BDAT", test::hang}}
    );
    begin(Octets{{"0\r\n"}});
    begin(Octets{{"1"}, Error{Errc::corrupt, "it does not match"}}, 10);
    begin(Octets{{"2\r\n"}});
    wait_for_all();
    EXPECT_EQ(verdicts_[0].text, "250 one");
    EXPECT_EQ(verdicts_[1].kind, VerdictKind::transient);
    EXPECT_NE(verdicts_[1].text.find("does not match"), std::string::npos);
    EXPECT_EQ(verdicts_[2].kind, VerdictKind::transient);
    EXPECT_EQ(peer_.messages(), std::vector<std::string>{"0\r\n"});
}

// It would be taken for commands.
TEST_F(ClientExchangeTest, MoreOctetsThanWereAnnouncedAreNeverSent) {
    open(streaming, {{"MAIL", "250"}, {"RCPT", "250"}, {"BDAT 3 ", test::hang}});
    begin(Octets{{"1\r\nRSET\r\n"}}, 3);
    wait_for_all();
    EXPECT_EQ(verdicts_[0].kind, VerdictKind::transient);
}

TEST_F(ClientExchangeTest, EachAnswerHasItsTime) {
    timeouts_.end_of_data = 50ms;
    open(streaming, takes_chunk("250 one", false) + takes_chunk(test::hang));
    begin(Octets{{"0\r\n"}});
    begin(Octets{{"1\r\n"}});
    wait_for_all();
    EXPECT_EQ(verdicts_[0].kind, VerdictKind::delivered);
    EXPECT_EQ(verdicts_[1].kind, VerdictKind::in_doubt);
}

TEST_F(ClientExchangeTest, WhoIsAbortedEndsItForAll) {
    open(streaming, takes_chunk("250 one", false) + takes_chunk(test::hang));
    begin(Octets{{"0\r\n"}});
    begin(Octets{{"1\r\n"}});
    begin(Octets{{"2\r\n"}});
    run_until([&] { return verdicts_.contains(0); });
    tasks_.abort();
    wait_for_all();
    EXPECT_EQ(verdicts_[1].kind, VerdictKind::in_doubt);
    EXPECT_EQ(verdicts_[2].kind, VerdictKind::in_doubt);
}

TEST_F(ClientExchangeTest, WithoutChunkingTheNextRidesBehindTheDot) {
    open({"PIPELINING"}, test::takes_message() + test::takes_message() + test::takes_message());
    EXPECT_EQ(connection_->window(), 2U);
    begin(Octets{{"0\r\n", ".0\r\n"}});
    begin(Octets{{"1\r\n"}});
    begin(Octets{{"2\r\n"}});
    wait_for_all();
    EXPECT_EQ(peer_.messages(), (std::vector<std::string>{"0\r\n..0\r\n", "1\r\n", "2\r\n"}));
    close();
}

TEST_F(ClientExchangeTest, WithoutPipeliningTheyWait) {
    open({"CHUNKING"}, test::takes_message() + test::takes_message());
    EXPECT_EQ(connection_->window(), 1U);
    begin(Octets{{"0\r\n"}});
    begin(Octets{{"1\r\n"}});
    wait_for_all();
    EXPECT_EQ(verdicts_[1].kind, VerdictKind::delivered);
    close();
}

TEST_F(ClientExchangeTest, StepByStep) {
    open(
        {"PIPELINING", "CHUNKING", "SIZE 1000"},
        {{"MAIL FROM:<a@sender.example>", "250 ok"},
         {"RCPT TO:<b@example.com>", "250 2.1.5 ok"},
         {"RCPT TO:<c@example.com>", "550 5.1.1 nobody"},
         {"BDAT 4 LAST", "250 2.0.0 queued as 1"},
         {"MAIL", "250 ok"},
         {"RCPT", "250 ok"},
         {"RSET", "250 ok"}}
    );
    const smtp::Transaction head = to("", 0);
    const auto yes = get(connection_->rcpt(head, {"b@example.com", {}}));
    EXPECT_EQ(yes.kind, VerdictKind::delivered);
    EXPECT_EQ(yes.stage, Stage::rcpt);
    EXPECT_EQ(yes.text, "250 2.1.5 ok");
    EXPECT_EQ(get(connection_->rcpt(head, {"c@example.com", {}})).kind, VerdictKind::permanent);
    Octets octets{{"hi", "\r\n"}};
    const auto verdicts = get(connection_->finish(4, octets));
    ASSERT_EQ(verdicts.size(), 1U);
    EXPECT_EQ(verdicts[0].text, "250 2.0.0 queued as 1");
    EXPECT_TRUE(connection_->is_usable());
    EXPECT_EQ(get(connection_->rcpt(head, {"b@example.com", {}})).kind, VerdictKind::delivered);
    loop_.run(connection_->reset());
    EXPECT_TRUE(connection_->is_usable());
    close();
    run_until([&] { return peer_.is_done(); });
}

TEST_F(ClientExchangeTest, AMessageTooLargeIsRefusedBeforeItIsSent) {
    open({"SIZE 10"}, {{"MAIL", "250 ok"}, {"RCPT", "250 ok"}});
    const smtp::Transaction head = to("", 0);
    EXPECT_EQ(get(connection_->rcpt(head, {"b@example.com", {}})).kind, VerdictKind::delivered);
    Octets octets{{"hello world\r\n"}};
    const auto verdicts = get(connection_->finish(13, octets));
    ASSERT_EQ(verdicts.size(), 1U);
    EXPECT_EQ(verdicts[0].kind, VerdictKind::permanent);
    EXPECT_FALSE(verdicts[0].reply);
}

}  // namespace
}  // namespace siding::relay

// What the API does about mail that a server refused, or has taken already: parked, remaps, reports
// to senders, replay, copies, the configuration, and what a trace adds to the ledger.
#include "tests/control/api_fixture.hpp"

namespace siding::control {
namespace {

class ApiParkedTest : public ApiTest {
protected:
    void attempt(RecipientId id, queue::RecipientOutcome outcome) {
        commit(queue::StartAttempt{{id}, "new"});
        outcome.recipient = id;
        queue::RecordOutcome record;
        record.outcomes.push_back(std::move(outcome));
        record.server = "new";
        record.peer = "192.0.2.9:25";
        record.retain = retain_;
        EXPECT_EQ(commit(std::move(record)).moved, 1U);
    }

    void park(RecipientId id, const std::string& reply, const std::string& cause) {
        move(queue::Event::release, id);
        queue::RecipientOutcome outcome;
        outcome.kind = queue::OutcomeKind::parked;
        outcome.reply = reply;
        outcome.cause = cause;
        attempt(id, std::move(outcome));
    }

    bool retain_ = false;
};

TEST_F(ApiParkedTest, ReplaysWhatIsKept) {
    retain_ = true;
    const MessageId id = accept({"joe@example.com", "sue@example.com"});
    for (const RecipientId one : {RecipientId{id, 0}, RecipientId{id, 1}}) {
        move(queue::Event::release, one);
        queue::RecipientOutcome outcome;
        outcome.kind = queue::OutcomeKind::delivered;
        outcome.reply = "250 ok";
        attempt(one, std::move(outcome));
    }
    EXPECT_EQ(document(get("/v1/queue")).at("rows").as_array().size(), 0U);
    EXPECT_EQ(
        document(get("/v1/queue", {{"state", "delivered"}})).at("rows").as_array().size(), 2U
    );
    const std::string order =
        R"({"to":"old","filter":{"recipient":"joe@example.com"},"why":"lost")";
    EXPECT_EQ(
        document(post("/v1/replay", order + R"(,"dry_run":true})")),
        json::parse(R"({"recipients":1,"octets":4})")
    );
    EXPECT_EQ(document(post("/v1/replay", order + "}")), json::parse(R"({"moved":1})"));
    EXPECT_EQ(document(post("/v1/replay", order + "}")), json::parse(R"({"moved":0})"));
    const auto rows = document(get("/v1/queue", {{"state", "due"}})).at("rows").as_array();
    ASSERT_EQ(rows.size(), 1U);
    EXPECT_EQ(rows[0].at("lane").as_string(), "old");
    EXPECT_EQ(rows[0].at("pinned_server").as_string(), "old");
    EXPECT_EQ(woken_, (std::vector<std::string>{"old"}));
    const auto trace = document(get("/v1/trace", {{"query", id.text()}}));
    const auto& last = trace.at("messages").at(0).at("entries").as_array().back();
    EXPECT_EQ(last.at("kind").as_string(), "replayed");
    EXPECT_EQ(last.at("reply").as_string(), "lost");
}

TEST_F(ApiParkedTest, GroupsWhatIsParkedByCause) {
    const MessageId one = accept({"joe@example.com", "sue@example.com", "tom@example.com"});
    const MessageId two = accept({"JOE@example.com"});
    park({one, 0}, "550 5.1.1 <joe@example.com>: unknown", "no_such_mailbox");
    park({one, 1}, "550 5.1.1 <sue@example.com>: unknown", "no_such_mailbox");
    park({two, 0}, "550 5.1.1 no such user", "no_such_mailbox");
    park({one, 2}, "552 5.3.4 message too large", "too_large");

    const auto parked = document(get("/v1/parked"));
    EXPECT_EQ(parked.at("recipients").as_int64(), 4);
    const auto& groups = parked.at("groups").as_array();
    ASSERT_EQ(groups.size(), 2U);
    EXPECT_EQ(groups[0].at("cause").as_string(), "no_such_mailbox");
    EXPECT_EQ(groups[0].at("recipients").as_int64(), 3);
    EXPECT_EQ(groups[0].at("mailboxes").as_int64(), 2);
    EXPECT_EQ(
        groups[0].at("replies"),
        json::parse(R"([{"reply":"550 5.1.1 <…>: unknown","recipients":2},)"
                    R"({"reply":"550 5.1.1 no such user","recipients":1}])")
    );
    EXPECT_EQ(
        groups[0].at("busiest"),
        json::parse(R"([{"recipient":"joe@example.com","recipients":2},)"
                    R"({"recipient":"sue@example.com","recipients":1}])")
    );
    EXPECT_EQ(groups[0].at("examples").as_array().size(), 3U);
    EXPECT_FALSE(groups[0].at("what").as_string().empty());
    EXPECT_FALSE(groups[0].at("hint").as_string().empty());
    EXPECT_EQ(groups[1].at("cause").as_string(), "too_large");

    const auto some = document(get("/v1/parked", {{"cause", "too_large"}}));
    EXPECT_EQ(some.at("recipients").as_int64(), 1);
    EXPECT_EQ(document(get("/v1/parked", {{"limit", "2"}})).at("recipients").as_int64(), 2);
    EXPECT_EQ(
        document(get("/v1/queue", {{"cause", "too_large"}})).at("rows").as_array().size(), 1U
    );
    expect_error(get("/v1/parked", {{"state", "held"}}), 400, "invalid_argument", "parked");
}

TEST_F(ApiParkedTest, RemapsAddresses) {
    EXPECT_EQ(
        document(post("/v1/remaps", R"({"from":"Joe@example.com","to":"joe.new@example.com"})")),
        json::parse(R"({"from":"joe@example.com","to":"joe.new@example.com"})")
    );
    EXPECT_EQ(remaps_.find("joe@example.com"), "joe.new@example.com");
    EXPECT_EQ(
        document(get("/v1/remaps")),
        json::parse(R"({"remaps":[{"from":"joe@example.com","to":"joe.new@example.com"}]})")
    );
    EXPECT_EQ(
        document(post("/v1/remaps/remove", R"({"from":"joe@example.com"})")),
        json::parse(R"({"removed":"joe@example.com"})")
    );
    EXPECT_TRUE(remaps_.list().empty());
    expect_error(
        post("/v1/remaps/remove", R"({"from":"joe@example.com"})"), 404, "not_found", "joe"
    );
    expect_error(post("/v1/remaps", R"({"from":"joe"})"), 400, "invalid_argument", "'from'");
    expect_error(
        post("/v1/remaps", R"({"from":"a@b.example","to":"A@b.example"})"),
        400,
        "invalid_argument",
        "itself"
    );
}

TEST_F(ApiParkedTest, TellsSendersOfWhatIsDiscarded) {
    const MessageId id = accept({"joe@example.com"});
    park({id, 0}, "550 5.1.1 unknown", "no_such_mailbox");
    EXPECT_EQ(
        document(post("/v1/queue/discard", R"({"filter":{"cause":"no_such_mailbox"},"dsn":true})")),
        json::parse(R"({"moved":1,"reports":1,"unreported":0,"left":0})")
    );
    EXPECT_EQ(woken_, (std::vector<std::string>{"old"}));
    const auto rows = document(get("/v1/queue", {{"tag", "dsn"}})).at("rows").as_array();
    ASSERT_EQ(rows.size(), 1U);
    EXPECT_EQ(rows[0].at("recipient").as_string(), "ann@example.org");
    EXPECT_EQ(rows[0].at("sender").as_string(), "");
    EXPECT_EQ(rows[0].at("pinned_server").as_string(), "old");

    config::Config config = make_config();
    config.dsn.server = std::nullopt;
    config_.apply(config);
    accept({"joe@example.com"});
    expect_error(
        post("/v1/queue/discard", R"({"all":true,"dsn":true})"), 409, "conflict", "dsn.server"
    );
    EXPECT_EQ(counted(queue::State::held), 1U);
    expect_error(
        post("/v1/queue/hold", R"({"all":true,"dsn":true})"), 400, "invalid_argument", "'dsn'"
    );
}

TEST_F(ApiParkedTest, ReplayChecksItsOrder) {
    expect_error(
        post("/v1/replay", R"({"filter":{"domain":"example.com"}})"),
        400,
        "invalid_argument",
        "'to'"
    );
    expect_error(post("/v1/replay", R"({"to":"new"})"), 400, "invalid_argument", "empty");
    expect_error(
        post("/v1/replay", R"({"to":"elsewhere","all":true})"), 400, "invalid_argument", "elsewhere"
    );
    expect_error(
        post("/v1/replay", R"({"to":"new","filter":{"state":"held"}})"),
        400,
        "invalid_argument",
        "held"
    );
    EXPECT_EQ(
        document(post("/v1/replay", R"({"to":"old","all":true})")), json::parse(R"({"moved":0})")
    );
}

TEST_F(ApiParkedTest, ShowsTheConfiguration) {
    const auto shown = document(get("/v1/config"));
    bool found = false;
    for (const json::value& setting : shown.at("settings").as_array()) {
        if (setting.at("key").as_string() == "hostname") {
            EXPECT_EQ(setting.at("value").as_string(), "hold.example.net");
            found = true;
        }
    }
    EXPECT_TRUE(found);
    EXPECT_EQ(
        shown.at("retry"),
        json::parse(R"({"after":["1m","6m","16m","36m","1h16m","2h16m"],"then_every":"1h"})")
    );
    ASSERT_EQ(shown.at("servers").as_array().size(), 2U);
    EXPECT_EQ(shown.at("servers").at(0).at("server").as_string(), "new");
    EXPECT_EQ(shown.at("servers").at(0).at("profile").as_string(), "generic");
}

TEST_F(ApiParkedTest, TraceKnowsPhasesFlipsAndRemoteIds) {
    const MessageId id = accept({"joe@example.com"});
    queue::SetPhases flip;
    flip.moves.push_back({domain("example.com"), "default", Phase::release});
    flip.who = "uid:1000 ann";
    flip.why = "new is ready";
    while (clock_.now() <= queue_->store().ledger_of(id).value().front().at) {
        std::this_thread::yield();  // another millisecond: flips are told from mail by their time
    }
    commit(std::move(flip));
    move(queue::Event::release, {id, 0});
    const auto trace = [&] { return document(get("/v1/trace", {{"query", id.text()}})); };
    const auto waiting = trace().at("messages").at(0).as_object();
    EXPECT_EQ(
        waiting.at("phases"),
        json::parse(R"([{"domain":"example.com","wave":"default","phase":"hold"}])")
    );
    ASSERT_EQ(waiting.at("flips").as_array().size(), 1U);
    EXPECT_EQ(waiting.at("flips").at(0).at("why").as_string(), "new is ready");
    EXPECT_EQ(waiting.at("flips").at(0).at("moves").at(0).at("to").as_string(), "release");
    EXPECT_EQ(waiting.at("message").at("recipients").at(0).at("state").as_string(), "due");

    queue::RecipientOutcome outcome;
    outcome.kind = queue::OutcomeKind::delivered;
    outcome.reply = "250 2.0.0 Ok: queued as 4XyZ12";
    attempt({id, 0}, std::move(outcome));
    const auto found = trace();
    const auto& done = found.at("messages").at(0).as_object();
    EXPECT_EQ(done.at("entries").as_array().back().at("remote_id").as_string(), "4XyZ12");
    EXPECT_TRUE(done.at("message").is_null());
    EXPECT_EQ(found.at("servers").at("new").as_string(), "new.example:25");
}

TEST_F(ApiParkedTest, ComparesCopies) {
    const MessageId id = queue_->next_id();
    auto mail = test::make_mail(id, {"joe@example.com", "joe@example.com"});
    mail.envelope.recipients[1].copy = true;
    commit(std::move(mail));
    deliver({id, 0});
    park({id, 1}, "550 5.1.1 unknown", "no_such_mailbox");
    const auto report = document(get("/v1/copies"));
    EXPECT_EQ(report.at("messages").as_int64(), 1);
    EXPECT_EQ(report.at("differ").as_int64(), 1);
    EXPECT_EQ(report.at("differences").at(0).at("how").as_string(), "copy_refused");
    EXPECT_EQ(report.at("differences").at(0).at("cause").as_string(), "no_such_mailbox");
    ASSERT_EQ(report.at("rows").as_array().size(), 1U);
    EXPECT_EQ(report.at("rows").at(0).at("first").at("reply").as_string(), "250 ok");
    EXPECT_EQ(
        document(get("/v1/copies", {{"domain", "example.org"}})).at("recipients").as_int64(), 0
    );
    expect_error(get("/v1/copies", {{"show", "odd"}}), 400, "invalid_argument", "odd");
    expect_error(get("/v1/copies", {{"state", "held"}}), 400, "invalid_argument", "compared");
}

}  // namespace
}  // namespace siding::control

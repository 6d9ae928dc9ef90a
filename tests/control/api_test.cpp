// The API end to end: a real queue behind net's HTTP server on a Unix socket and a loopback port.
#include "control/api.hpp"

#include "base/limits.hpp"
#include "net/http_client.hpp"
#include "net/http_server.hpp"
#include "net/listener.hpp"
#include "net/runtime.hpp"
#include "net/task_group.hpp"
#include "tests/cutover/mail.hpp"
#include "tests/support/temp_directory.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <gtest/gtest.h>

#include <future>
#include <thread>

namespace siding::control {
namespace {

namespace json = boost::json;
using net::HttpReply;

class ApiTest : public testing::Test {
protected:
    explicit ApiTest(std::uint64_t reserve_octets = 0) : reserve_octets_{reserve_octets} {
        EXPECT_TRUE(servers_.spawn(serve(listen_local())).has_value());
        auto tcp = net::Acceptor::create(runtime_.io(0), net::listen_tcp({"127.0.0.1", 0}).value());
        tcp_ = {"127.0.0.1", tcp->local().port};
        EXPECT_TRUE(servers_.spawn(serve(std::move(*tcp))).has_value());

        queue::SetPhases phases;
        phases.moves.push_back({domain("example.com"), "default", Phase::hold, true});
        commit(std::move(phases));
    }

    ~ApiTest() override {
        servers_.cancel();
        wait(servers_.join());
        wait(releases_.join());
        queue_.reset();
        runtime_.stop();
    }

    net::Acceptor listen_local() {
        return net::Acceptor::create(runtime_.io(0), net::listen_unix(socket_).value()).value();
    }

    net::awaitable<void> serve(net::Acceptor acceptor) {
        net::HttpServerOptions options;
        options.blocking = runtime_.blocking();
        options.drain_timeout = std::chrono::milliseconds{200};
        return net::serve_http(std::move(acceptor), api_.handler(), std::move(options));
    }

    static net::awaitable<void> tell(net::awaitable<void> work, std::promise<void>& done) {
        co_await std::move(work);
        done.set_value();
    }

    void wait(net::awaitable<void> work) {
        net::TaskGroup group{runtime_.io(0), "test", 1};
        std::promise<void> done;
        EXPECT_TRUE(group.spawn(tell(std::move(work), done)).has_value());
        done.get_future().get();
        while (group.count() > 0) {
            std::this_thread::yield();
        }
    }

    static net::awaitable<std::vector<relay::LaneStatus>> lanes() {
        std::vector<relay::LaneStatus> out(2);
        out[0].server = "new";
        out[0].address = "new.example:25";
        out[0].connections_max = 10;
        out[1].server = "old";
        co_return out;
    }

    queue::QueueOptions options() const {
        queue::QueueOptions out;
        out.directory = directory_ / "queue";
        out.reserve = [octets = reserve_octets_](std::uint64_t) { return octets; };
        return out;
    }

    static Domain domain(const char* text) { return Domain::parse(text).value(); }

    queue::Applied commit(queue::Change change) {
        std::promise<Result<queue::Applied>> done;
        queue_->committer().submit(std::move(change), [&done](Result<queue::Applied> applied) {
            done.set_value(applied);
        });
        return done.get_future().get().value();
    }

    MessageId accept(
        const std::vector<std::string>& recipients, const std::string& body = "hi\r\n"
    ) {
        const MessageId id = queue_->next_id();
        commit(test::make_mail(id, recipients, body));
        return id;
    }

    void move(queue::Event event, RecipientId id) {
        queue::MoveRecipients change;
        change.event = event;
        change.recipients = {id};
        change.server = "new";
        change.due_at = clock_.now();
        EXPECT_EQ(commit(std::move(change)).moved, 1U);
    }

    void deliver(RecipientId id) {
        move(queue::Event::release, id);
        commit(queue::StartAttempt{id.message, {id.number}, "new"});
        queue::RecordOutcome outcome;
        outcome.message = id.message;
        outcome.outcomes = {{id.number, queue::OutcomeKind::delivered, "250 ok", {}}};
        outcome.server = "new";
        EXPECT_EQ(commit(std::move(outcome)).moved, 1U);
    }

    HttpReply ask(const net::HttpCall& call) {
        return net::HttpClient{socket_}.request(call).value();
    }

    HttpReply get(const std::string& path, net::HttpQuery query = {}) {
        net::HttpCall call;
        call.target = {path, std::move(query)};
        return ask(call);
    }

    HttpReply send(const std::string& method, const std::string& path, const std::string& body) {
        net::HttpCall call;
        call.method = method;
        call.target = {path, {}};
        call.body = body;
        return ask(call);
    }

    HttpReply post(const std::string& path, const std::string& body) {
        return send("POST", path, body);
    }

    static json::object document(const HttpReply& reply) {
        EXPECT_EQ(reply.status, 200U) << reply.body;
        EXPECT_EQ(reply.content_type, "application/json");
        return json::parse(reply.body).as_object();
    }

    static void expect_error(
        const HttpReply& reply, unsigned status, std::string_view code, std::string_view part
    ) {
        EXPECT_EQ(reply.status, status) << reply.body;
        const json::value error = json::parse(reply.body).at("error");
        EXPECT_EQ(error.at("code").as_string(), code);
        EXPECT_NE(error.at("message").as_string().find(part), json::string::npos) << reply.body;
    }

    static std::string text(const json::value& value) { return json::serialize(value); }

    std::uint64_t counted(queue::State state) { return queue_->store().counters().all().of(state); }

    test::TempDirectory directory_;
    std::string socket_ = (directory_ / "control.sock").string();
    std::uint64_t reserve_octets_;
    SystemClock clock_;
    Metrics metrics_;
    net::Runtime runtime_{{.io_threads = 1, .blocking_threads = 1}};
    net::TaskGroup servers_{runtime_.io(0), "servers", 2};
    net::TaskGroup releases_{runtime_.io(0), "releases", 8};
    std::unique_ptr<queue::Queue> queue_ =
        std::move(queue::Queue::open(options(), runtime_.blocking(), clock_, metrics_)).value();
    relay::Mover mover_{*queue_, releases_, [](WallTime) {}};
    net::HostPort tcp_;
    Api api_{
        Services{
            *queue_,
            mover_,
            metrics_,
            clock_,
            "hold.example.net",
            "1.2.3",
            clock_.now(),
            lanes,
            [] { return std::size_t{4}; },
        },
        "s3cret"};
};

TEST_F(ApiTest, status_shows_the_whole_picture) {
    accept({"a@example.com", "b@example.com"});
    const auto status = document(get("/v1/status"));
    EXPECT_EQ(text(status.at("hostname")), "\"hold.example.net\"");
    EXPECT_EQ(text(status.at("health")), R"({"ok":true,"reason":""})");
    EXPECT_EQ(status.at("epoch").to_number<int>(), 1);
    EXPECT_EQ(
        text(status.at("domains")),
        R"([{"domain":"example.com","wave":"default","phase":"hold","counts":{"held":2,"due":0,)"
        R"("in_flight":0,"parked":0,"delivered":0,"discarded":0},"held_octets":8}])"
    );
    EXPECT_EQ(
        text(status.at("servers").at(0)),
        R"({"name":"new","address":"new.example:25","connections_open":0,"connections_max":10,)"
        R"("due":0,"due_is_exact":true,"in_flight":0,"next_attempt_at":null,"last_error":"",)"
        R"("last_delivery_at":null})"
    );
    EXPECT_EQ(text(status.at("sessions")), R"({"inbound":4})");
    EXPECT_GT(status.at("disk").at("free_octets").to_number<std::uint64_t>(), 0U);
    EXPECT_EQ(status.at("queue").at("accepted").to_number<int>(), 2);
}

TEST_F(ApiTest, status_counts_what_is_due_for_each_server) {
    const MessageId id = accept({"a@example.com", "b@example.com"});
    move(queue::Event::release, {id, 0});
    const auto status = document(get("/v1/status"));
    EXPECT_EQ(status.at("servers").at(0).at("due").to_number<int>(), 1);
    EXPECT_TRUE(status.at("servers").at(0).at("next_attempt_at").is_string());
    EXPECT_EQ(status.at("servers").at(1).at("due").to_number<int>(), 0);
}

TEST_F(ApiTest, tcp_needs_the_token_but_for_health_and_metrics) {
    const auto ask_tcp = [&](const std::string& path, const std::string& token) {
        net::HttpClient::Options options;
        options.bearer_token = token;
        net::HttpCall call;
        call.target = {path, {}};
        return net::HttpClient{tcp_, options}.request(call).value();
    };
    EXPECT_EQ(ask_tcp("/healthz", "").status, 200U);
    EXPECT_EQ(ask_tcp("/metrics", "").status, 200U);
    EXPECT_EQ(ask_tcp("/v1/status", "s3cret").status, 200U);
    expect_error(ask_tcp("/v1/status", ""), 401, "unauthorized", "token");
    expect_error(ask_tcp("/v1/status", "guess"), 401, "unauthorized", "token");
    expect_error(ask_tcp("/v1/nothing", "guess"), 401, "unauthorized", "token");
}

TEST_F(ApiTest, health_and_metrics_are_text) {
    const auto good = get("/healthz");
    EXPECT_EQ(good.status, 200U);
    EXPECT_EQ(good.body, "ok\n");
    EXPECT_NE(get("/metrics").body.find("# TYPE"), std::string::npos);
}

// A queue of its own, below its reserve from the start.
class FullDiskApiTest : public ApiTest {
protected:
    FullDiskApiTest() : ApiTest{UINT64_MAX / 2} {}
};

TEST_F(FullDiskApiTest, health_tells_that_no_mail_is_accepted) {
    const auto bad = get("/healthz");
    EXPECT_EQ(bad.status, 503U);
    EXPECT_FALSE(bad.body.empty());
    const auto status = document(get("/v1/status"));
    EXPECT_FALSE(status.at("health").at("ok").as_bool());
    EXPECT_FALSE(status.at("health").at("reason").as_string().empty());
}

TEST_F(ApiTest, unknown_paths_and_methods_are_told_apart) {
    expect_error(get("/v1/nothing"), 404, "not_found", "/v1/nothing");
    expect_error(send("PUT", "/v1/releases", "{}"), 405, "invalid_argument", "GET, POST");
}

TEST_F(ApiTest, moves_a_phase) {
    EXPECT_EQ(
        document(get("/v1/phases")),
        json::parse(R"({"epoch":1,"phases":[{"domain":"example.com","wave":"default",)"
                    R"("phase":"hold","next":["release","pass_old"]}]})")
    );
    const auto moved =
        document(send("PUT", "/v1/phases/example.com", R"({"phase":"pass_old","why":"not today"})")
        );
    EXPECT_EQ(
        moved,
        json::parse(R"({"epoch":2,"domain":"example.com","wave":"default",)"
                    R"("from":"hold","to":"pass_old"})")
    );
    EXPECT_EQ(queue_->phases()->find(domain("example.com")), Phase::pass_old);
}

TEST_F(ApiTest, refuses_a_phase_that_cannot_be) {
    const auto put = [&](const std::string& wave, const std::string& body) {
        return send("PUT", "/v1/phases/" + wave, body);
    };
    expect_error(
        put("example.com", R"({"phase":"pass_new"})"), 409, "conflict", "release, pass_old"
    );
    expect_error(put("example.org", R"({"phase":"hold"})"), 404, "not_found", "example.org");
    expect_error(put("example.com/x", R"({"phase":"hold"})"), 404, "not_found", "example.com/x");
    expect_error(put("example.com", R"({"phase":"held"})"), 400, "invalid_argument", "'held'");
    expect_error(put("example.com", "{}"), 400, "invalid_argument", "'phase' is missing");
    expect_error(put("example.com", R"({"phase":7})"), 400, "invalid_argument", "'phase'");
    expect_error(put("example.com", "hold"), 400, "invalid_argument", "not JSON");
    expect_error(put("example.com", R"({"fase":"hold"})"), 400, "invalid_argument", "'fase'");
}

TEST_F(ApiTest, lists_in_pages) {
    for (int i = 0; i < 5; ++i) {
        accept({"a" + std::to_string(i) + "@example.com"});
    }
    std::vector<std::string> found;
    net::HttpQuery query{{"state", "held"}, {"page", "2"}, {"limit", "4"}};
    int pages = 0;
    do {
        const auto page = document(get("/v1/queue", query));
        for (const json::value& row : page.at("rows").as_array()) {
            found.emplace_back(row.at("recipient").as_string());
        }
        query["cursor"] = std::string{page.at("cursor").as_string()};
        ++pages;
    } while (!query["cursor"].empty() && pages < 10);
    const std::vector<std::string> expected{
        "a0@example.com", "a1@example.com", "a2@example.com", "a3@example.com"};
    EXPECT_EQ(found, expected);
    EXPECT_EQ(pages, 2);
}

TEST_F(ApiTest, a_row_says_all_that_a_table_needs) {
    const MessageId id = accept({"Joe@Example.com"});
    const auto page = document(get("/v1/queue", {{"recipient", "joe@example.com"}}));
    json::object row = page.at("rows").at(0).as_object();
    EXPECT_TRUE(row.at("received_at").is_string());
    row.erase("received_at");
    json::object expected =
        json::parse(
            R"({"recipient":"Joe@Example.com","sender":"ann@example.org","domain":"example.com",)"
            R"("wave":"default","size":4,"state":"held","lane":"","pinned_server":"","due_at":null,)"
            R"("attempts":0,"last_attempt_at":null,"last_reply":"","maybe_delivered":false,)"
            R"("release":null})"
        )
            .as_object();
    expected["id"] = id.text() + ".0";
    expected["message"] = id.text();
    EXPECT_EQ(row, expected);
}

TEST_F(ApiTest, refuses_a_listing_that_cannot_be) {
    expect_error(get("/v1/queue", {{"page", "0"}}), 400, "invalid_argument", "'page'");
    expect_error(get("/v1/queue", {{"page", "9999"}}), 400, "invalid_argument", "1000");
    expect_error(get("/v1/queue", {{"cursor", "x"}}), 400, "invalid_argument", "'cursor'");
    expect_error(get("/v1/queue", {{"cursor", ".x"}}), 400, "invalid_argument", "cursor");
    expect_error(get("/v1/queue", {{"stat", "held"}}), 400, "invalid_argument", "'stat'");
    expect_error(get("/v1/queue/count", {{"page", "1"}}), 400, "invalid_argument", "'page'");
}

TEST_F(ApiTest, counts_exactly) {
    accept({"a@example.com", "b@example.com"});
    accept({"a@example.com"}, std::string(1000, 'x'));
    EXPECT_EQ(
        document(get("/v1/queue/count", {{"recipient", "a@example.com"}})),
        json::parse(R"({"recipients":2,"octets":1004})")
    );
    EXPECT_EQ(
        document(get("/v1/queue/count", {{"larger", "999"}})),
        json::parse(R"({"recipients":1,"octets":1000})")
    );
}

TEST_F(ApiTest, text_that_is_not_utf8_is_shown_escaped) {
    auto mail = test::make_mail(queue_->next_id(), {"a@example.com"});
    mail.envelope.reverse_path = "caf\xE9@example.org";
    commit(std::move(mail));
    const auto page = document(get("/v1/queue"));
    EXPECT_EQ(page.at("rows").at(0).at("sender").as_string(), "caf\\xE9@example.org");
}

TEST_F(ApiTest, holds_and_discards_by_filter) {
    const MessageId id = accept({"a@example.com", "b@example.com"});
    move(queue::Event::release, {id, 0});
    move(queue::Event::release, {id, 1});
    EXPECT_EQ(
        document(post("/v1/queue/hold", R"({"filter":{"recipient":"a@example.com"}})")),
        json::parse(R"({"moved":1})")
    );
    EXPECT_EQ(counted(queue::State::held), 1U);
    EXPECT_EQ(
        document(post("/v1/queue/discard", R"({"filter":{"state":"due"},"why":"spam"})")),
        json::parse(R"({"moved":1})")
    );
    EXPECT_EQ(counted(queue::State::discarded), 1U);
    const auto ledger = queue_->store().ledger_of(id).value();
    EXPECT_EQ(ledger.back().kind, queue::LedgerKind::discarded);
    EXPECT_EQ(ledger.back().reply, "spam");
    EXPECT_FALSE(ledger.back().who.empty());
}

TEST_F(ApiTest, the_whole_queue_must_be_meant) {
    accept({"a@example.com"});
    for (const char* body : {"", "{}", R"({"filter":{}})", R"({"filter":{"limit":5}})"}) {
        expect_error(post("/v1/queue/discard", body), 400, "invalid_argument", "filter is empty");
        expect_error(post("/v1/queue/hold", body), 400, "invalid_argument", "filter is empty");
    }
    expect_error(post("/v1/queue/discard", R"({"all":"yes"})"), 400, "invalid_argument", "'all'");
    expect_error(
        post("/v1/queue/discard", R"({"domain":"example.com"})"),
        400,
        "invalid_argument",
        "'domain'"
    );
    EXPECT_EQ(counted(queue::State::held), 1U);
    EXPECT_EQ(
        document(post("/v1/queue/discard", R"({"all":true})")), json::parse(R"({"moved":1})")
    );
}

TEST_F(ApiTest, shows_a_message_and_its_ended_recipients) {
    const MessageId id = accept({"a@example.com", "b@example.com"});
    deliver({id, 1});
    const auto message = document(get("/v1/messages/" + id.text()));
    EXPECT_EQ(message.at("sender").as_string(), "ann@example.org");
    EXPECT_EQ(message.at("size").to_number<int>(), 4);
    EXPECT_EQ(message.at("recipients").at(0).at("state").as_string(), "held");
    EXPECT_EQ(message.at("recipients").at(1).at("state").as_string(), "delivered");

    deliver({id, 0});
    expect_error(get("/v1/messages/" + id.text()), 404, "not_found", "siding trace " + id.text());
    expect_error(get("/v1/messages/x"), 400, "invalid_argument", "'x'");
}

TEST_F(ApiTest, gives_the_octets_as_they_came) {
    const MessageId id = queue_->next_id();
    auto mail = test::make_mail(id, {"a@example.com"});
    const std::string first(limits::body_chunk_octets, 'a');
    const std::string second = "\xE9 end\r\n";
    mail.inline_body.reset();
    mail.envelope.body.chunks = 2;
    mail.envelope.body.size_octets = first.size() + second.size();
    auto& store = const_cast<queue::Store&>(queue_->store());
    ASSERT_TRUE(store.append_body_chunk(id, 0, first).has_value());
    ASSERT_TRUE(store.append_body_chunk(id, 1, second).has_value());
    commit(std::move(mail));

    const std::string path = "/v1/messages/" + id.text() + "/octets";
    const auto traced = get(path);
    EXPECT_EQ(traced.content_type, "message/rfc822");
    EXPECT_TRUE(traced.body == "Received: from mx.example.org\r\n" + first + second);
    EXPECT_TRUE(get(path, {{"trace", "0"}}).body == first + second);
}

TEST_F(ApiTest, releases_what_a_dry_run_counted) {
    const MessageId id = accept({"a@example.com", "b@example.com", "c@example.com"});
    move(queue::Event::release, {id, 2});
    EXPECT_EQ(
        document(post("/v1/releases", R"({"to":"new","dry_run":true})")),
        json::parse(R"({"recipients":2,"octets":8})")
    );
    EXPECT_TRUE(queue_->store().releases().value().empty());

    EXPECT_EQ(document(post("/v1/releases", R"({"to":"new"})")), json::parse(R"({"release":1})"));
    wait(releases_.join());
    json::object release = document(get("/v1/releases/1"));
    EXPECT_EQ(release.at("server").as_string(), "new");
    EXPECT_TRUE(release.at("pinned").as_bool());
    EXPECT_EQ(text(release.at("filter")), R"({"state":"held"})");
    EXPECT_TRUE(release.at("complete").as_bool());
    EXPECT_FALSE(release.at("done").as_bool());
    EXPECT_EQ(release.at("chosen").to_number<int>(), 2);
    EXPECT_EQ(release.at("counts").at("due").to_number<int>(), 2);

    for (const std::uint32_t number : {0U, 1U}) {
        commit(queue::StartAttempt{id, {number}, "new"});
        queue::RecordOutcome outcome;
        outcome.message = id;
        outcome.outcomes = {{number, queue::OutcomeKind::delivered, "250 ok", {}}};
        EXPECT_EQ(commit(std::move(outcome)).moved, 1U);
    }
    release = document(get("/v1/releases")).at("releases").at(0).as_object();
    EXPECT_TRUE(release.at("done").as_bool());
    EXPECT_EQ(release.at("counts").at("delivered").to_number<int>(), 2);
}

TEST_F(ApiTest, refuses_a_release_that_cannot_be) {
    expect_error(post("/v1/releases", R"({"to":"nwe"})"), 400, "invalid_argument", "new, old");
    expect_error(
        post("/v1/releases", R"({"filter":{"state":"delivered"}})"),
        400,
        "invalid_argument",
        "delivered"
    );
    expect_error(post("/v1/releases", R"({"dry-run":true})"), 400, "invalid_argument", "'dry-run'");
    expect_error(get("/v1/releases/7"), 404, "not_found", "release 7");
    expect_error(get("/v1/releases/x"), 400, "invalid_argument", "'x'");
}

TEST_F(ApiTest, traces_by_whatever_is_known) {
    const MessageId id = accept({"Joe@example.com"});
    deliver({id, 0});
    for (const std::string& query :
         {id.text(),
          id.text() + ".0",
          std::string{"joe@EXAMPLE.com"},
          std::string{"Ann@example.org"},
          "<" + id.text() + "@example.org>",
          id.text() + "@example.org"}) {
        const auto trace = document(get("/v1/trace", {{"query", query}}));
        const auto& messages = trace.at("messages").as_array();
        ASSERT_EQ(messages.size(), 1U) << query;
        EXPECT_EQ(messages[0].at("id").as_string(), id.text());
        const auto& entries = messages[0].at("entries").as_array();
        EXPECT_EQ(entries.front().at("kind").as_string(), "accepted");
        EXPECT_EQ(entries.back().at("kind").as_string(), "delivered");
        EXPECT_EQ(entries.back().at("reply").as_string(), "250 ok");
    }
    const auto nothing = document(get("/v1/trace", {{"query", "nobody@example.com"}}));
    EXPECT_TRUE(nothing.at("messages").as_array().empty());
    expect_error(get("/v1/trace"), 400, "invalid_argument", "'query'");
}

TEST_F(ApiTest, audits) {
    const MessageId id = accept({"a@example.com", "b@example.com"});
    deliver({id, 1});
    for (const char* body : {"", R"({"deep":true})"}) {
        const auto report = document(post("/v1/audit", body));
        EXPECT_TRUE(report.at("balanced").as_bool()) << text(report);
        EXPECT_TRUE(report.at("chain_ok").as_bool());
        EXPECT_EQ(report.at("accepted").to_number<int>(), 2);
        EXPECT_EQ(report.at("delivered").to_number<int>(), 1);
        EXPECT_EQ(report.at("held").to_number<int>(), 1);
        EXPECT_TRUE(report.at("problems").as_array().empty());
    }
    expect_error(post("/v1/audit", R"({"deep":1})"), 400, "invalid_argument", "'deep'");
}

}  // namespace
}  // namespace siding::control

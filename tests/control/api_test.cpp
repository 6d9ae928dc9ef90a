#include "base/limits.hpp"
#include "tests/control/api_fixture.hpp"

namespace siding::control {
namespace {

TEST_F(ApiTest, status_shows_the_whole_picture) {
    accept({"a@example.com", "b@example.com"});
    const auto status = document(get("/v1/status"));
    EXPECT_EQ(text(status.at("hostname")), "\"hold.example.net\"");
    EXPECT_EQ(text(status.at("health")), R"({"ok":true,"reason":""})");
    EXPECT_EQ(status.at("epoch").to_number<int>(), 1);
    EXPECT_EQ(
        text(status.at("domains")),
        R"([{"domain":"example.com","wave":"default","phase":"hold","counts":{"held":2,"due":0,)"
        R"("in_flight":0,"parked":0,"delivered":0,"discarded":0,"replayed":0,"retained":0},"held_octets":8}])"
    );
    EXPECT_EQ(
        text(status.at("servers").at(0)),
        R"({"name":"new","address":"new.example:25","connections_open":0,"connections_max":10,)"
        R"("due":0,"due_is_exact":true,"in_flight":0,"next_attempt_at":null,"last_error":"",)"
        R"("last_delivery_at":null,"profile":"","concurrency":0,"breaker":"closed",)"
        R"("paused_until":null,"cool_until":null,"back_pressure":0,"waiting":0,)"
        R"("messages_per_minute":0,"limits":{"rate":0,"domain_rate":0,"recipient_rate":0},)"
        R"("hint":""})"
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
                    R"("phase":"hold","copy":"","next":["release","pass_old"]}]})")
    );
    const auto moved =
        document(send("PUT", "/v1/phases/example.com", R"({"phase":"pass_old","why":"not today"})")
        );
    EXPECT_EQ(
        moved,
        json::parse(R"({"epoch":2,"domain":"example.com","wave":"default",)"
                    R"("from":"hold","to":"pass_old","copy":""})")
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

class SlowAuditApiTest : public ApiTest {
protected:
    SlowAuditApiTest() : ApiTest{0, std::chrono::milliseconds{0}} {}
};

TEST_F(SlowAuditApiTest, a_long_audit_shows_that_it_is_alive) {
    accept({"a@example.com", "b@example.com"});
    const auto reply = post("/v1/audit", R"({"deep":true})");
    EXPECT_EQ(reply.body.front(), ' ');
    const auto report = document(reply);
    EXPECT_TRUE(report.at("balanced").as_bool()) << text(report);
    EXPECT_EQ(report.at("held").to_number<int>(), 2);
}

}  // namespace
}  // namespace siding::control

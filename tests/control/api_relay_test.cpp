// What the API tells of the relay: sessions, recipients, and the facts of a message that came in.
#include "tests/control/api_fixture.hpp"

namespace siding::control {
namespace {

TEST_F(ApiTest, lists_the_sessions) {
    const auto answer = document(get("/v1/sessions"));
    const auto& sessions = answer.at("sessions").as_array();
    ASSERT_EQ(sessions.size(), 2U);
    EXPECT_EQ(
        sessions[0],
        json::parse(R"({"id":7,"peer":"192.0.2.1:40112","proxy":"","listener":"",)"
                    R"("helo":"caf\\xe9","tls":"TLSv1.3","state":"data","upstream":"",)"
                    R"("since":"2026-11-21T12:00:00.000Z","messages":3,"octets":0})")
    );
    EXPECT_TRUE(sessions[1].at("since").is_null());
}

TEST_F(ApiTest, checks_a_recipient) {
    const auto decision = [&](const std::string& local) {
        const auto report =
            document(get("/v1/recipients/check", {{"address", local + "@example.com"}}));
        return std::string{report.at("decision").as_string()};
    };
    EXPECT_EQ(decision("any"), "accepted");
    EXPECT_EQ(decision("listed"), "accepted");
    EXPECT_EQ(decision("unlisted"), "refused");
    EXPECT_EQ(decision("probed"), "accepted");
    EXPECT_EQ(decision("down"), "deferred");
    EXPECT_EQ(decision("nothing"), "refused");

    EXPECT_EQ(
        document(get("/v1/recipients/check", {{"address", "probed@Example.com"}})),
        json::parse(
            R"({"address":"probed@Example.com","decision":"accepted","route":false,"accepts_any":false,)"
            R"("in_files":null,"rewritten_to":["a@new.example"],"existence":"exists","servers":[)"
            R"({"server":"new","existence":"exists","reply":"550 5.1.1 no","from_cache":false,)"
            R"("last_known":false,"catch_all":false,"age_ms":1500}]})"
        )
    );
    expect_error(
        get("/v1/recipients/check", {{"address", "a@example.net"}}), 404, "not_found", "configured"
    );
    expect_error(get("/v1/recipients/check"), 400, "invalid_argument", "'address'");
    expect_error(get("/v1/recipients/check", {{"address", "joe"}}), 400, "invalid_argument", "joe");
}

TEST_F(ApiTest, flushes_what_is_known_of_recipients) {
    const std::string path = "/v1/recipients/flush";
    EXPECT_EQ(document(post(path, R"({"all":true})")), json::parse(R"({"flushed":1})"));
    EXPECT_EQ(document(post(path, R"({"domain":"Example.com"})")), json::parse(R"({"flushed":2})"));
    document(post(path, R"({"address":"Joe@example.com"})"));
    EXPECT_EQ(flushed_, (std::vector<std::string>{"", "example.com", "Joe@example.com"}));
    for (const char* body :
         {"", "{}", R"({"all":false})", R"({"all":true,"domain":"example.com"})"}) {
        expect_error(post(path, body), 400, "invalid_argument", "'domain'");
    }
    expect_error(post(path, R"({"domain":"a b"})"), 400, "invalid_argument", "a b");
    expect_error(post(path, R"({"address":"joe"})"), 400, "invalid_argument", "joe");
    EXPECT_EQ(flushed_.size(), 3U);
}

TEST_F(ApiTest, tells_how_a_message_came_in) {
    const MessageId id = queue_->next_id();
    auto mail = test::make_mail(id, {"joe@example.com", "sue@example.com"});
    queue::Envelope& envelope = mail.envelope;
    envelope.client_name = "mx.example.org";
    envelope.proxy_address = "10.0.0.1";
    envelope.listener = "[::]:25";
    envelope.tls = "TLSv1.3 TLS_AES_256_GCM_SHA384";
    envelope.tls_peer = "ab12";
    envelope.tags = {"spam"};
    envelope.spam_score = 15.25;
    envelope.body.binary = true;
    envelope.recipients[0].original = "joe@old.example";
    commit(std::move(mail));

    const auto message = document(get("/v1/messages/" + id.text()));
    EXPECT_EQ(message.at("client_name").as_string(), "mx.example.org");
    EXPECT_EQ(message.at("proxy_address").as_string(), "10.0.0.1");
    EXPECT_EQ(message.at("listener").as_string(), "[::]:25");
    EXPECT_EQ(message.at("tls").as_string(), "TLSv1.3 TLS_AES_256_GCM_SHA384");
    EXPECT_EQ(message.at("tls_peer").as_string(), "ab12");
    EXPECT_EQ(message.at("tags"), json::parse(R"(["spam"])"));
    EXPECT_EQ(message.at("spam_score").as_double(), 15.25);
    EXPECT_TRUE(message.at("binary").as_bool());
    EXPECT_EQ(message.at("recipients").at(0).at("original").as_string(), "joe@old.example");
    EXPECT_EQ(message.at("recipients").at(1).at("original").as_string(), "");

    const auto trace = document(get("/v1/trace", {{"query", "joe@old.example"}}));
    const json::object accepted = trace.at("messages").at(0).at("entries").at(0).as_object();
    EXPECT_EQ(accepted.at("tls").as_string(), "TLSv1.3 TLS_AES_256_GCM_SHA384");
    EXPECT_EQ(accepted.at("tags"), json::parse(R"(["spam"])"));
    EXPECT_EQ(accepted.at("recipients").at(0).at("original").as_string(), "joe@old.example");
    EXPECT_FALSE(accepted.at("recipients").at(1).as_object().contains("original"));

    accept({"kim@example.com"});
    const auto count = [&](const char* key, const char* tag) {
        return document(get("/v1/queue/count", {{key, tag}})).at("recipients").to_number<int>();
    };
    EXPECT_EQ(count("tag", "spam"), 2);
    EXPECT_EQ(count("not_tag", "spam"), 1);
    EXPECT_EQ(count("tag", "phish"), 0);
    const auto held = document(post("/v1/queue/discard", R"({"filter":{"tag":"spam"}})"));
    EXPECT_EQ(held.at("moved").to_number<int>(), 2);
}

TEST_F(ApiTest, refusals_leave_the_books_balanced) {
    accept({"a@example.com"});
    queue::RecordRefusals refusals;
    refusals.refusals = {{"unknown_recipient", 12, "192.0.2.7", "", "x@example.com", "550 no"}};
    commit(std::move(refusals));
    const auto report = document(post("/v1/audit", R"({"deep":true})"));
    EXPECT_TRUE(report.at("balanced").as_bool()) << text(report);
    EXPECT_EQ(report.at("accepted").to_number<int>(), 1);
    const auto trace = document(get("/v1/trace", {{"query", "x@example.com"}}));
    EXPECT_TRUE(trace.at("messages").as_array().empty());
}

}  // namespace
}  // namespace siding::control

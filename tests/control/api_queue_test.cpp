#include "tests/control/api_fixture.hpp"

namespace siding::control {
namespace {

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
            R"("kept":false,"copy":false,"tags":[],"release":null})"
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
    EXPECT_EQ(page.at("rows").at(0).at("sender").as_string(), "caf\\xe9@example.org");
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

TEST_F(ApiTest, releases_what_a_dry_run_counted) {
    const MessageId id = accept({"a@example.com", "b@example.com", "c@example.com"});
    move(queue::Event::release, {id, 2});
    EXPECT_EQ(
        document(post("/v1/releases", R"({"to":"new","dry_run":true})")),
        json::parse(R"({"recipients":2,"octets":8})")
    );
    EXPECT_TRUE(queue_->store().releases().value().empty());

    EXPECT_EQ(document(post("/v1/releases", R"({"to":"new"})")), json::parse(R"({"release":1})"));
    json::object release = release_in_state(1, "complete");
    EXPECT_EQ(release.at("server").as_string(), "new");
    EXPECT_TRUE(release.at("pinned").as_bool());
    EXPECT_EQ(text(release.at("filter")), R"({"state":"held"})");
    EXPECT_TRUE(release.at("complete").as_bool());
    EXPECT_FALSE(release.at("done").as_bool());
    EXPECT_EQ(release.at("chosen").to_number<int>(), 2);
    EXPECT_EQ(release.at("total").to_number<int>(), 2);
    EXPECT_EQ(release.at("total_octets").to_number<int>(), 8);
    EXPECT_EQ(release.at("left").to_number<int>(), 0);
    EXPECT_EQ(release.at("pause_percent").to_number<int>(), 5);
    EXPECT_EQ(release.at("counts").at("due").to_number<int>(), 2);

    for (const std::uint32_t number : {0U, 1U}) {
        commit(queue::StartAttempt{{{id, number}}, "new"});
        queue::RecordOutcome outcome;
        outcome.outcomes = {{{id, number}, queue::OutcomeKind::delivered, "250 ok", {}}};
        EXPECT_EQ(commit(std::move(outcome)).moved, 1U);
    }
    release = document(get("/v1/releases")).at("releases").at(0).as_object();
    EXPECT_TRUE(release.at("done").as_bool());
    EXPECT_EQ(release.at("counts").at("delivered").to_number<int>(), 2);
}

TEST_F(ApiTest, pauses_resumes_and_cancels_a_release) {
    accept({"a@example.com", "b@example.com", "c@example.com"});
    EXPECT_EQ(
        document(post(
            "/v1/releases",
            R"({"rate_per_minute":1,"canary":1,"order":"small_first","first":["Boss@Example.com"],)"
            R"("pause_percent":0})"
        )),
        json::parse(R"({"release":1})")
    );
    json::object release = release_in_state(1, "canary");
    EXPECT_EQ(release.at("order").as_string(), "small_first");
    EXPECT_EQ(release.at("first").to_number<int>(), 1);
    EXPECT_EQ(release.at("canary").to_number<int>(), 1);
    EXPECT_EQ(release.at("rate_per_minute").to_number<int>(), 1);
    release = document(post("/v1/releases/1/pause", R"({"why":"lunch"})"));
    EXPECT_EQ(release.at("state").as_string(), "paused");
    EXPECT_EQ(release.at("why").as_string(), "lunch");
    expect_error(post("/v1/releases/1/resume", R"({"recall":true})"), 400, "invalid_argument", "");
    EXPECT_EQ(document(post("/v1/releases/1/resume", "")).at("state").as_string(), "running");
    expect_error(post("/v1/releases/1/resume", ""), 409, "conflict", "running");
    EXPECT_EQ(
        document(post("/v1/releases/1/cancel", R"({"recall":true})")).at("state").as_string(),
        "cancelled"
    );
    while (counted(queue::State::held) < 3 && !HasFailure()) {
        EXPECT_EQ(get("/v1/releases/1").status, 200U);
    }
    expect_error(post("/v1/releases/1/cancel", ""), 409, "conflict", "cancelled");
    expect_error(post("/v1/releases/9/pause", ""), 404, "not_found", "release 9");
}

TEST_F(ApiTest, refuses_a_release_that_cannot_be) {
    for (const auto& [body, says] : std::vector<std::pair<const char*, const char*>>{
             {R"({"rate_per_minute":"fast"})", "'rate_per_minute'"},
             {R"({"rate_per_minute":-1})", "'rate_per_minute'"},
             {R"({"order":"newest"})", "'order'"},
             {R"({"pause_percent":101})", "'pause_percent'"},
             {R"({"first":["no address"]})", "'first'"},
             {R"({"first":"a@example.com"})", "'first'"}}) {
        expect_error(post("/v1/releases", body), 400, "invalid_argument", says);
    }
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

}  // namespace
}  // namespace siding::control

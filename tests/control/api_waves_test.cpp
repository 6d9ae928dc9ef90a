// Phases, flips and waves over the API.
#include "relay/wave_orders.hpp"
#include "relay/wave_tables.hpp"
#include "tests/control/api_fixture.hpp"

namespace siding::control {
namespace {

class WavesApiTest : public ApiTest {
protected:
    WavesApiTest() {
        config::Config config = *config_.get();
        config.domains.emplace(domain("example.com"), config::DomainSettings{});
        config.domains.at(domain("example.com")).waves["sales"].patterns = {"sales-*"};
        config.domains.emplace(domain("other.org"), config::DomainSettings{});
        config_.apply(std::move(config));
        queue::SetPhases phases;
        phases.moves.push_back({domain("example.com"), "sales", Phase::hold, true});
        phases.moves.push_back({domain("other.org"), "default", Phase::pass_old, true});
        commit(std::move(phases));
        EXPECT_TRUE(tables_.load_first());
        auto socket = net::listen_unix(own_socket_).value();
        auto acceptor = net::Acceptor::create(runtime_.io(0), std::move(socket)).value();
        net::HttpServerOptions options;
        options.blocking = runtime_.blocking();
        options.drain_timeout = std::chrono::milliseconds{200};
        EXPECT_TRUE(own_.spawn(
            net::serve_http(std::move(acceptor), waves_api_.handler(), std::move(options))
        ));
        socket_ = own_socket_;
    }
    ~WavesApiTest() override {
        own_.cancel();
        wait(own_.join());
    }

    Services services() {
        Services made{
            *queue_,
            mover_,
            release_controller_,
            metrics_,
            clock_,
            "hold.example.net",
            "1.2.3",
            clock_.now(),
            lanes,
            [] { return std::size_t{0}; },
        };
        made.config = [this] { return config_.get(); };
        made.waves = &tables_;
        made.wave_orders = &orders_;
        made.order_release = [this](queue::ReleaseJob job) { return order(std::move(job)); };
        return made;
    }
    net::awaitable<Result<std::uint64_t>> order(queue::ReleaseJob job) {
        ordered_.push_back(std::move(job));
        co_return std::uint64_t{ordered_.size()};
    }

    std::string own_socket_ = (directory_ / "waves.sock").string();
    relay::WaveTables tables_{relay::WaveTables::Parts{
        runtime_.blocking(), config_, *queue_, metrics_, [](const std::string&, WallTime) {}}};
    relay::WaveOrders orders_{*queue_, config_, tables_};
    std::vector<queue::ReleaseJob> ordered_;
    net::TaskGroup own_{runtime_.io(0), "waves api", 8};
    Api waves_api_{services(), ""};
};

TEST_F(WavesApiTest, FlipsAllOfThemOrNone) {
    const auto before = queue_->phases()->epoch;
    expect_error(
        post("/v1/flips", R"({"to":"pass_old","targets":["example.com","other.org/nobody"]})"),
        404,
        "not_found",
        "other.org/nobody"
    );
    expect_error(
        post("/v1/flips", R"({"to":"release","targets":["example.com","other.org"]})"),
        409,
        "conflict",
        "other.org is in phase pass_old"
    );
    EXPECT_EQ(queue_->phases()->epoch, before);
    const auto flipped = document(post(
        "/v1/flips",
        R"({"to":"pass_old","targets":["example.com/*","other.org"],"copy":"new","why":"x"})"
    ));
    EXPECT_EQ(flipped.at("epoch").to_number<std::uint64_t>(), before + 1);
    ASSERT_EQ(flipped.at("moves").as_array().size(), 3U);
    EXPECT_EQ(
        text(flipped.at("moves").at(2)),
        R"({"domain":"other.org","wave":"default","from":"pass_old","to":"pass_old",)"
        R"("copy_from":"","copy":"new"})"
    );
    EXPECT_EQ(queue_->phases()->copy_of(domain("example.com"), "sales"), "new");
    // The copy stays where the phase stays, and "none" ends it.
    document(post("/v1/flips", R"({"to":"pass_old","targets":["other.org"]})"));
    EXPECT_EQ(queue_->phases()->copy_of(domain("other.org"), "default"), "new");
    document(send("PUT", "/v1/phases/other.org", R"({"phase":"pass_old","copy":"none"})"));
    EXPECT_EQ(queue_->phases()->copy_of(domain("other.org"), "default"), "");
}

TEST_F(WavesApiTest, AFlipThatCannotBeIsExplained) {
    const auto refused = [this](const char* body, std::string_view part) {
        expect_error(post("/v1/flips", body), 400, "invalid_argument", part);
    };
    refused(R"({"to":"hold"})", "'targets' is missing");
    refused(R"({"to":"hold","targets":"example.com"})", "targets");
    refused(R"({"to":"hold","targets":["example.com"],"copy":"new"})", "'copy' is for");
    refused(R"({"to":"pass_old","targets":["example.com"],"copy":"old"})", "sends to old already");
    refused(R"({"to":"pass_old","targets":["example.com"],"copy":"third"})", "no server 'third'");
    refused(R"({"to":"hold","targets":["other.org"],"release_held":"third"})", "no server 'third'");
}

TEST_F(WavesApiTest, RollsBackAndReleasesWhatIsHeld) {
    document(post("/v1/flips", R"({"to":"hold","targets":["other.org"],"why":"Friday"})"));
    const auto plan = document(post("/v1/rollback", R"({"dry_run":true})"));
    EXPECT_TRUE(plan.at("epoch").is_null());
    EXPECT_EQ(queue_->phases()->find(domain("other.org")), Phase::hold);
    const auto rolled = document(post("/v1/rollback", R"({"release_held":"old"})"));
    EXPECT_EQ(queue_->phases()->find(domain("other.org")), Phase::pass_old);
    EXPECT_EQ(text(rolled.at("releases")), "[1]");
    ASSERT_EQ(ordered_.size(), 1U);
    EXPECT_EQ(ordered_[0].server, "old");
    EXPECT_EQ(ordered_[0].filter.domain, domain("other.org"));
    EXPECT_EQ(ordered_[0].filter.wave, "default");
    EXPECT_EQ(ordered_[0].filter.state, queue::State::held);
    EXPECT_FALSE(ordered_[0].pinned);  // the phase sends there anyway
    expect_error(post("/v1/rollback", "{}"), 404, "not_found", "no flip to take back");
    const auto flips = document(get("/v1/flips"));
    ASSERT_EQ(flips.at("flips").as_array().size(), 2U);
    EXPECT_EQ(flips.at("flips").at(1).at("undone_by"), rolled.at("epoch"));
    EXPECT_EQ(flips.at("flips").at(0).at("undoes"), rolled.at("undoes"));
    EXPECT_EQ(flips.at("flips").at(1).at("why").as_string(), "Friday");
    EXPECT_EQ(document(get("/v1/flips", {{"limit", "1"}})).at("flips").as_array().size(), 1U);
}

TEST_F(WavesApiTest, AWaveIsMadeShownAndTakenAway) {
    const auto made = document(post(
        "/v1/waves/example.com/pilot",
        R"({"addresses":["Sue","joe@example.com"],"patterns":["A*"],"phase":"pass_new"})"
    ));
    EXPECT_EQ(
        text(made),
        R"({"domain":"example.com","wave":"pilot","created":true,"added":3,"phase":"pass_new"})"
    );
    const auto shown = document(get("/v1/waves/example.com/pilot", {{"limit", "1"}}));
    EXPECT_EQ(text(shown.at("members")), R"(["joe@example.com"])");
    EXPECT_EQ(text(shown.at("patterns")), R"(["a*"])");
    EXPECT_EQ(shown.at("addresses").to_number<int>(), 2);
    EXPECT_FALSE(shown.at("configured").as_bool());
    const auto list = document(get("/v1/waves/example.com"));
    ASSERT_EQ(list.at("waves").as_array().size(), 3U);  // default, pilot, sales
    EXPECT_TRUE(list.at("waves").at(0).at("everybody_else").as_bool());
    EXPECT_TRUE(list.at("waves").at(2).at("configured").as_bool());
    const auto out =
        document(post("/v1/waves/example.com/pilot/remove", R"({"addresses":["sue","nobody"]})"));
    EXPECT_EQ(text(out), R"({"gone":false,"removed":1,"moved":0})");
    EXPECT_EQ(
        text(document(post("/v1/waves/example.com/pilot/clone", R"({"domain":"other.org"})"))),
        R"({"domain":"other.org","wave":"pilot","created":true,"added":2,"phase":"pass_new"})"
    );
    EXPECT_EQ(tables_.wave_of(domain("other.org"), "joe@other.org"), "pilot");
    document(post("/v1/waves/example.com/pilot/remove", R"({"all":true})"));
    EXPECT_FALSE(queue_->phases()->find(domain("example.com"), "pilot"));
    expect_error(get("/v1/waves/example.com/pilot"), 404, "not_found", "example.com/pilot");
}

TEST_F(WavesApiTest, WhatIsNoWaveIsRefused) {
    const auto refused = [this](const char* path, const char* body, std::string_view part) {
        expect_error(post(path, body), 400, "invalid_argument", part);
    };
    refused("/v1/waves/example.com/pilot", R"({"addresses":["a@other.org"]})", "a@other.org");
    refused("/v1/waves/example.com/pilot", R"({"patterns":["a@b"]})", "no pattern");
    refused("/v1/waves/example.com/pilot", R"({"copy":"new"})", "'copy' needs 'phase'");
    refused("/v1/waves/example.com/default", "{}", "everybody else");
    refused("/v1/waves/example.com/sales/remove", "{}", "say what goes");
    expect_error(
        post("/v1/waves/example.com/sales/remove", R"({"all":true})"),
        409,
        "conflict",
        "stands in the configuration"
    );
    expect_error(get("/v1/waves/nobody.example"), 404, "not_found", "not configured");
}

}  // namespace
}  // namespace siding::control

#include "backfill/token_source.hpp"

#include "backfill/token_device.hpp"
#include "net/acceptor.hpp"
#include "net/http_server.hpp"
#include "net/listener.hpp"
#include "net/task_group.hpp"
#include "tests/net/run_loop.hpp"
#include "tests/support/temp_directory.hpp"

#include <boost/asio/steady_timer.hpp>

#include <deque>
#include <fstream>
#include <optional>
#include <vector>

namespace siding::backfill {
namespace {

using namespace std::chrono_literals;
using net::awaitable;

std::string token_json(int number, const std::string& more = "") {
    return R"({"access_token":"access)" + std::to_string(number) +
           R"(","token_type":"Bearer","expires_in":3600)" + more + "}";
}

// An endpoint of the test's own on a loopback port; everything runs on one loop.
class TokenSourceTest : public testing::Test {
protected:
    TokenSourceTest() {
        auto listener = net::listen_tcp({"127.0.0.1", 0}).value();
        auto acceptor = net::Acceptor::create(loop_.executor(), std::move(listener)).value();
        endpoint_ = "http://127.0.0.1:" + std::to_string(acceptor.local().port) + "/token?a=b";
        net::HttpServerOptions options;
        auto handler = [this](const net::HttpRequest& request) { return answer(request); };
        EXPECT_TRUE(group_.spawn(net::serve_http(std::move(acceptor), handler, options)).has_value()
        );
        make_source();
    }
    ~TokenSourceTest() override {
        group_.abort();
        loop_.run(group_.join());
    }

    void make_source() {
        source_ = std::make_unique<TokenSource>(TokenSource::Parts{
            loop_.executor(), clock_, directory_ / "tokens"});
    }

    awaitable<net::HttpResponse> answer(const net::HttpRequest& request) {
        asked_.push_back(request.body);
        net::HttpResponse response;
        if (answers_.empty()) {
            response.status = 500;
            co_return response;
        }
        response = answers_.front();
        answers_.pop_front();
        // Others that want a token now come while this one is under way.
        net::asio::steady_timer timer{loop_.executor(), 20ms};
        static_cast<void>(co_await timer.async_wait(net::use_result));
        co_return response;
    }

    void will_say(unsigned status, const std::string& body) {
        net::HttpResponse response;
        response.status = status;
        response.body = body;
        answers_.push_back(response);
    }

    Login login(Secret secret) const {
        Login login;
        login.account = "ann";
        login.side = Side::source;
        login.user = "ann";
        login.secret = std::move(secret);
        login.tokens.emplace();
        login.tokens->endpoint = endpoint_;
        login.tokens->client_id = "siding";
        login.tokens->scope = "mail offline";
        return login;
    }
    Login with_refresh() const { return login({Secret::Kind::text, "refresh1"}); }

    using Outcome = std::optional<Result<TokenSource::Taken>>;

    static awaitable<void> take_one(TokenSource& source, Login login, Outcome& taken) {
        taken = co_await source.take(std::move(login));
    }
    Result<TokenSource::Taken> take(const Login& login) {
        Outcome taken;
        loop_.run(take_one(*source_, login, taken));
        return std::move(*taken);
    }
    std::vector<Result<TokenSource::Taken>> take_many(const Login& login, std::size_t count) {
        std::vector<Outcome> outcomes(count);
        net::TaskGroup takers{loop_.executor(), "takers", count};
        for (Outcome& outcome : outcomes) {
            EXPECT_TRUE(takers.spawn(take_one(*source_, login, outcome)).has_value());
        }
        loop_.run(takers.join());
        std::vector<Result<TokenSource::Taken>> all;
        for (Outcome& outcome : outcomes) {
            all.push_back(std::move(outcome.value()));
        }
        return all;
    }

    test::TempDirectory directory_;
    ManualClock clock_{WallTime{std::chrono::days{20'000}}};
    net::RunLoop loop_;
    net::TaskGroup group_{loop_.executor(), "server", 64};
    std::string endpoint_;
    std::deque<net::HttpResponse> answers_;
    std::vector<std::string> asked_;
    std::unique_ptr<TokenSource> source_;
};

TEST_F(TokenSourceTest, AsksAgainOnlyShortlyBeforeTheEnd) {
    will_say(200, token_json(1));
    will_say(200, token_json(2));
    const auto first = take(with_refresh());
    ASSERT_TRUE(first.has_value()) << first.error().message();
    EXPECT_EQ(first->token, "access1");
    EXPECT_TRUE(first->is_fresh);
    EXPECT_EQ(
        asked_.front(),
        "grant_type=refresh_token&refresh_token=refresh1&client_id=siding&scope=mail+offline"
    );
    clock_.advance(54min);
    const auto kept = take(with_refresh());
    EXPECT_EQ(kept->token, "access1");
    EXPECT_FALSE(kept->is_fresh);
    clock_.advance(2min);
    EXPECT_EQ(take(with_refresh())->token, "access2");
    EXPECT_EQ(asked_.size(), 2U);
}

TEST_F(TokenSourceTest, ATokenThatTheServerRefusesIsGotAnew) {
    will_say(200, token_json(1));
    will_say(200, token_json(2));
    const auto first = take(with_refresh());
    source_->drop(*first);
    EXPECT_EQ(take(with_refresh())->token, "access2");
    source_->drop(*first);  // said late, of the old one
    EXPECT_EQ(take(with_refresh())->token, "access2");
}

TEST_F(TokenSourceTest, WhoWaitsGetsWhatAnotherHasAskedFor) {
    will_say(200, token_json(1, R"(,"refresh_token":"refresh2")"));
    for (const auto& taken : take_many(with_refresh(), 8)) {
        ASSERT_TRUE(taken.has_value()) << taken.error().message();
        EXPECT_EQ(taken->token, "access1");
    }
    EXPECT_EQ(asked_.size(), 1U);
    will_say(503, "");
    clock_.advance(2h);
    for (const auto& taken : take_many(with_refresh(), 8)) {
        ASSERT_TRUE(taken.has_error());
        EXPECT_TRUE(taken.error().is(Errc::unavailable));
    }
    EXPECT_EQ(asked_.size(), 2U);
    will_say(200, token_json(3));
    EXPECT_EQ(take(with_refresh())->token, "access3");
    EXPECT_NE(asked_.back().find("refresh_token=refresh2&"), std::string::npos);
}

TEST_F(TokenSourceTest, ANewRefreshTokenOutlivesTheProcess) {
    std::ofstream{directory_ / "ann"} << "refresh1\n";
    const Login ann = login({Secret::Kind::file, (directory_ / "ann").string()});
    will_say(200, token_json(1, R"(,"refresh_token":"refresh2")"));
    EXPECT_EQ(take(ann)->token, "access1");
    EXPECT_EQ(take(ann)->token, "access1");  // the file is another one now, and ours
    EXPECT_EQ(asked_.size(), 1U);
    make_source();
    will_say(200, token_json(2));
    EXPECT_EQ(take(ann)->token, "access2");
    EXPECT_NE(asked_.back().find("refresh_token=refresh2&"), std::string::npos);
}

TEST_F(TokenSourceTest, AnotherRefreshTokenInTheFileCountsAtOnce) {
    std::ofstream{directory_ / "ann"} << "refresh1\n";
    const Login ann = login({Secret::Kind::file, (directory_ / "ann").string()});
    will_say(200, token_json(1));
    will_say(200, token_json(2));
    EXPECT_EQ(take(ann)->token, "access1");
    std::ofstream{directory_ / "ann"} << "another\n";
    EXPECT_EQ(take(ann)->token, "access2");
    EXPECT_NE(asked_.back().find("refresh_token=another&"), std::string::npos);
}

TEST_F(TokenSourceTest, ARefreshTokenThatCannotBeKeptIsUsedAllTheSame) {
    std::ofstream{directory_ / "tokens"} << "no directory";
    will_say(200, token_json(1, R"(,"refresh_token":"refresh2")"));
    will_say(200, token_json(2));
    EXPECT_EQ(take(with_refresh())->token, "access1");
    clock_.advance(2h);
    EXPECT_EQ(take(with_refresh())->token, "access2");
    EXPECT_NE(asked_.back().find("refresh_token=refresh2&"), std::string::npos);
}

TEST_F(TokenSourceTest, TheClientAsksInItsOwnName) {
    std::ofstream{directory_ / "client"} << "hush\n";
    Login ann = login({});
    ann.tokens->client_secret_file = (directory_ / "client").string();
    Login bob = ann;
    bob.account = "bob";
    will_say(200, token_json(1));
    EXPECT_EQ(take(ann)->token, "access1");
    EXPECT_EQ(take(bob)->token, "access1");
    EXPECT_EQ(
        asked_.front(),
        "grant_type=client_credentials&client_id=siding&client_secret=hush&scope=mail+offline"
    );
}

TEST_F(TokenSourceTest, RefusalsSayWhatToDo) {
    struct Row {
        unsigned status;
        const char* body;
        Errc code;
        const char* words;
    };
    const Row rows[] = {
        {400,
         R"({"error":"invalid_grant","error_description":"refresh1 is dead"})",
         Errc::conflict,
         "no access token for ann (source): invalid_grant: *** is dead; authorize again: siding "
         "backfill accounts authorize ann --side source"},
        {401,
         R"({"error":"invalid_client"})",
         Errc::conflict,
         "no access token for ann (source): invalid_client; client_id siding or its secret is not "
         "what is registered there"},
        {503,
         "",
         Errc::unavailable,
         "no access token for ann (source): the endpoint answers with HTTP status 503"},
    };
    Login ann = with_refresh();
    ann.tokens->device_endpoint = endpoint_;
    for (const Row& row : rows) {
        will_say(row.status, row.body);
        const auto taken = take(ann);
        ASSERT_TRUE(taken.has_error());
        EXPECT_TRUE(taken.error().is(row.code)) << row.body;
        EXPECT_EQ(taken.error().message(), row.words);
    }
    EXPECT_EQ(asked_.size(), 3U);
    ann.tokens->endpoint = "http://127.0.0.1:1/token";
    const auto down = take(ann);
    ASSERT_TRUE(down.has_error());
    EXPECT_TRUE(down.error().is(Errc::unavailable)) << down.error().message();
    ann.secret = {Secret::Kind::file, "/none/such"};
    const auto missing = take(ann);
    ASSERT_TRUE(missing.has_error());
    EXPECT_TRUE(missing.error().is(Errc::conflict));
    EXPECT_NE(missing.error().message().find("accounts authorize ann"), std::string::npos);
}

class DeviceFlowTest : public TokenSourceTest {
protected:
    DeviceFlowTest() {
        flows_ = std::make_unique<DeviceFlows>(DeviceFlows::Parts{
            *source_, loop_.executor(), loop_.executor(), clock_});
    }
    ~DeviceFlowTest() override { loop_.run(flows_->stop()); }

    static awaitable<void> begin_one(
        DeviceFlows& flows, Login login, std::optional<Result<Authorization>>& begun
    ) {
        begun = co_await flows.begin(std::move(login));
    }
    Result<Authorization> begin(const Login& login) {
        will_say(200, R"({"device_code":"dev","user_code":"AB-CD","interval":1,"expires_in":30,
                          "verification_uri":"https://login.example/device"})");
        std::optional<Result<Authorization>> begun;
        loop_.run(begin_one(*flows_, login, begun));
        return std::move(*begun);
    }
    static awaitable<void> wait_one(DeviceFlows& flows, Login login) {
        auto executor = co_await net::asio::this_coro::executor;
        net::asio::steady_timer timer{executor};
        while (flows.find(login)->state == Authorization::State::waiting) {
            timer.expires_after(10ms);
            static_cast<void>(co_await timer.async_wait(net::use_result));
        }
    }
    Authorization wait(const Login& login) {
        loop_.run(wait_one(*flows_, login));
        return flows_->find(login).value();
    }
    Login without_secret() const {
        Login ann = login({});
        ann.tokens->device_endpoint = endpoint_;
        return ann;
    }

    std::unique_ptr<DeviceFlows> flows_;
};

TEST_F(DeviceFlowTest, KeepsWhatTheUserGives) {
    const Login ann = without_secret();
    EXPECT_TRUE(flows_->find(ann).error().is(Errc::not_found));
    const auto begun = begin(ann);
    ASSERT_TRUE(begun.has_value()) << begun.error().message();
    EXPECT_EQ(begun->user_code, "AB-CD");
    will_say(400, R"({"error":"authorization_pending"})");
    will_say(200, token_json(1, R"(,"refresh_token":"given")"));
    const Authorization ended = wait(ann);
    EXPECT_EQ(ended.state, Authorization::State::done) << ended.words;
    EXPECT_EQ(ended.user_code, "");
    EXPECT_EQ(take(ann)->token, "access1");
    make_source();
    will_say(200, token_json(2));
    EXPECT_EQ(take(ann)->token, "access2");
    EXPECT_NE(asked_.back().find("refresh_token=given&"), std::string::npos);
}

TEST_F(DeviceFlowTest, EndsWithTheReason) {
    struct Row {
        unsigned status;
        std::string body;
        Authorization::State state;
    };
    const Row rows[] = {
        {400, R"({"error":"access_denied"})", Authorization::State::denied},
        {400, R"({"error":"expired_token"})", Authorization::State::expired},
        {401, R"({"error":"invalid_client"})", Authorization::State::failed},
        {200, token_json(1), Authorization::State::failed},  // no refresh token
    };
    const Login ann = without_secret();
    for (const Row& row : rows) {
        ASSERT_TRUE(begin(ann).has_value());
        will_say(row.status, row.body);
        const Authorization ended = wait(ann);
        EXPECT_EQ(ended.state, row.state) << row.body;
        EXPECT_FALSE(ended.words.empty());
    }
}

TEST(LoginToAuthorize, IsTheOneThatIsMeant) {
    Account account;
    account.name = "ann";
    account.source.side = Side::source;
    account.destination.side = Side::destination;
    EXPECT_TRUE(login_to_authorize(account, Side::account).error().is(Errc::invalid_argument));
    account.destination.tokens.emplace().device_endpoint = "https://login.example/d";
    EXPECT_EQ(login_to_authorize(account, Side::account)->side, Side::destination);
    EXPECT_TRUE(login_to_authorize(account, Side::source).error().is(Errc::invalid_argument));
    account.source.tokens = account.destination.tokens;
    const auto both = login_to_authorize(account, Side::account);
    ASSERT_TRUE(both.has_error());
    EXPECT_NE(both.error().message().find("--side"), std::string::npos);
    EXPECT_EQ(login_to_authorize(account, Side::source)->side, Side::source);
}

}  // namespace
}  // namespace siding::backfill

#include "relay/content_filter.hpp"

#include "net/acceptor.hpp"
#include "net/http_server.hpp"
#include "net/listener.hpp"
#include "net/task_group.hpp"
#include "tests/net/run_loop.hpp"

#include <gtest/gtest.h>

#include <fmt/format.h>

namespace siding::relay {
namespace {

using namespace std::chrono_literals;
using Action = FilterVerdict::Action;
using Tags = std::vector<std::string>;

// An rspamd that answers what the test says.
class ContentFilterTest : public testing::Test {
protected:
    ContentFilterTest() {
        auto acceptor =
            net::Acceptor::create(loop_.executor(), net::listen_tcp({"127.0.0.1", 0}).value())
                .value();
        port_ = acceptor.local().port;
        config_.filter.rspamd = fmt::format("http://127.0.0.1:{}", port_);
        config_.filter.timeout = 10s;
        auto handler = [this](const net::HttpRequest& request) { return answer(request); };
        net::HttpServerOptions options;
        options.drain_timeout = 10ms;
        EXPECT_TRUE(server_.spawn(net::serve_http(std::move(acceptor), handler, options)));
    }
    ~ContentFilterTest() override { stop(); }

    void stop() {
        server_.cancel();
        loop_.run(server_.join());
    }

    net::awaitable<net::HttpResponse> answer(const net::HttpRequest& request) {
        ++asked_;
        request_ = request;
        net::HttpResponse response;
        response.status = status_;
        response.body = reply_;
        co_return response;
    }

    FilterVerdict check(std::string message = "Subject: hi\r\n\r\nhi\r\n") {
        live_.apply(config_);
        FilterQuestion question;
        question.client_address = "192.0.2.1";
        question.helo = "client.example";
        question.sender = "ann@sender.example";
        question.recipients = {"joe@example.com"};
        question.octets = message.size();
        std::optional<FilterVerdict> verdict;
        loop_.run(keep(filter_.check(std::move(question), pieces(std::move(message))), verdict));
        return std::move(*verdict);
    }
    static net::awaitable<void> keep(
        net::awaitable<FilterVerdict> work, std::optional<FilterVerdict>& out
    ) {
        auto verdict = co_await std::move(work);
        out = std::move(verdict);
    }
    net::HttpPieces pieces(std::string message) {
        const auto rest = std::make_shared<std::string>(std::move(message));
        return [this, rest]() -> net::awaitable<Result<std::string>> {
            ++pieces_;
            if (piece_fails_) {
                co_return Error{Errc::storage_failure, "unreadable"};
            }
            std::string piece = rest->substr(0, 100'000);
            rest->erase(0, piece.size());
            co_return piece;
        };
    }
    std::string metric(const std::string& result) const {
        const std::string text = metrics_.text();
        const std::string cell = "siding_filter_messages_total{result=\"" + result + "\"} ";
        const auto at = text.find(cell);
        return at == std::string::npos
                   ? "none"
                   : text.substr(at + cell.size(), text.find('\n', at) - at - cell.size());
    }

    net::RunLoop loop_;
    net::TaskGroup server_{loop_.executor(), "rspamd", 4};
    std::uint16_t port_ = 0;
    std::string reply_ = R"({"action":"no action","score":0.5})";
    unsigned status_ = 200;
    int asked_ = 0;
    int pieces_ = 0;
    bool piece_fails_ = false;
    net::HttpRequest request_;

    config::Config config_;
    config::Live live_{config::Config{}};
    Metrics metrics_;
    ContentFilter::Time now_{1h};
    ContentFilter filter_{live_, metrics_, [this] { return now_; }};
};

TEST_F(ContentFilterTest, AsksAboutTheWholeMessage) {
    std::string message = "Subject: long\r\n\r\n";
    while (message.size() < 300'000) {
        message += "line\r\n";
    }
    const auto verdict = check(message);
    EXPECT_EQ(verdict.action, Action::accept);
    EXPECT_EQ(verdict.score, 0.5);
    EXPECT_EQ(verdict.tags, Tags{});
    EXPECT_EQ(request_.method, "POST");
    EXPECT_EQ(request_.path, "/checkv2");
    EXPECT_EQ(request_.body, message);
    EXPECT_EQ(request_.headers.at("ip"), "192.0.2.1");
    EXPECT_EQ(request_.headers.at("from"), "<ann@sender.example>");
    EXPECT_EQ(request_.headers.at("rcpt"), "<joe@example.com>");
    EXPECT_EQ(metric("accept"), "1");
}

TEST_F(ContentFilterTest, IsOffWithoutAServer) {
    config_.filter.rspamd.reset();
    const auto verdict = check();
    EXPECT_FALSE(filter_.is_on());
    EXPECT_EQ(verdict.action, Action::accept);
    EXPECT_EQ(verdict.tags, Tags{});
    EXPECT_EQ(asked_, 0);
}

TEST_F(ContentFilterTest, GivesWhatTheFilterSays) {
    reply_ = R"({"action":"reject","score":20})";
    EXPECT_EQ(check().action, Action::reject);
    config_.filter.on_reject = config::Filter::OnReject::tag;
    EXPECT_EQ(check().tags, (Tags{"spam", "reject"}));
    reply_ = R"({"action":"soft reject"})";
    EXPECT_EQ(check().action, Action::defer);
    EXPECT_EQ(metric("reject"), "1");
    EXPECT_EQ(metric("spam"), "1");
    EXPECT_EQ(metric("defer"), "1");
}

TEST_F(ContentFilterTest, LargeMessagesAreNotScanned) {
    config_.filter.max_size_bytes = 100;
    config_.filter.on_failure = config::Filter::OnFailure::defer;
    const auto verdict = check(std::string(101, 'x'));
    EXPECT_EQ(verdict.action, Action::accept);
    EXPECT_EQ(verdict.tags, (Tags{"unscanned"}));
    EXPECT_EQ(asked_, 0);
    EXPECT_EQ(pieces_, 0);
    EXPECT_EQ(metric("too_large"), "1");
    EXPECT_EQ(check(std::string(100, 'x')).tags, Tags{});
}

TEST_F(ContentFilterTest, AFailureIsAnsweredAsConfigured) {
    struct Row {
        unsigned status;
        const char* reply;
    };
    for (const Row& row : std::vector<Row>{{500, "oops"}, {200, "{"}, {404, "{\"error\":\"x\"}"}}) {
        status_ = row.status;
        reply_ = row.reply;
        now_ += 10s;
        config_.filter.on_failure = config::Filter::OnFailure::accept;
        const auto taken = check();
        EXPECT_EQ(taken.action, Action::accept) << row.reply;
        EXPECT_EQ(taken.tags, (Tags{"unscanned"})) << row.reply;
        EXPECT_EQ(taken.score, std::nullopt) << row.reply;
        now_ += 10s;
        config_.filter.on_failure = config::Filter::OnFailure::defer;
        const auto deferred = check();
        EXPECT_EQ(
            reply_to(deferred).text(), "451 4.7.1 Content filter unavailable, try again later"
        );
    }
    EXPECT_EQ(asked_, 6);
    EXPECT_EQ(metric("failed"), "6");
}

TEST_F(ContentFilterTest, ADeadFilterIsLeftAloneForAWhile) {
    const std::string good = std::exchange(reply_, "dead");
    for (std::size_t i = 0; i < ContentFilter::failures_max; ++i) {
        check();
    }
    EXPECT_EQ(asked_, 3);
    EXPECT_NE(metrics_.text().find("siding_filter_paused 1"), std::string::npos);
    const auto skipped = check();
    EXPECT_EQ(skipped.tags, (Tags{"unscanned"}));
    EXPECT_EQ(asked_, 3);
    EXPECT_EQ(metric("skipped"), "1");

    now_ += ContentFilter::pause;
    check();
    EXPECT_EQ(asked_, 4) << "one tries again";
    check();
    EXPECT_EQ(asked_, 4) << "and it failed";

    now_ += ContentFilter::pause;
    reply_ = good;
    EXPECT_EQ(check().tags, Tags{});
    EXPECT_EQ(check().tags, Tags{});
    EXPECT_EQ(asked_, 6);
    EXPECT_NE(metrics_.text().find("siding_filter_paused 0"), std::string::npos);
}

TEST_F(ContentFilterTest, NobodyListens) {
    stop();
    EXPECT_EQ(check().tags, (Tags{"unscanned"}));
    EXPECT_EQ(metric("failed"), "1");
}

TEST_F(ContentFilterTest, AMessageThatCannotBeReadIsNotTheFiltersFault) {
    piece_fails_ = true;
    for (int i = 0; i < 5; ++i) {
        EXPECT_EQ(check().tags, (Tags{"unscanned"}));
    }
    piece_fails_ = false;
    EXPECT_EQ(check().tags, Tags{});
    EXPECT_EQ(metric("skipped"), "0");
}

}  // namespace
}  // namespace siding::relay

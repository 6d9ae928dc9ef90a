#include "net/http_request.hpp"

#include "net/acceptor.hpp"
#include "net/listener.hpp"
#include "net/network_error.hpp"
#include "net/task_group.hpp"
#include "tests/net/run_loop.hpp"

#include <functional>
#include <optional>
#include <vector>

namespace siding::net {
namespace {

using namespace std::chrono_literals;

// A server with one thing to say, and when.
struct Script {
    std::string until;   // reads as far as this
    std::string answer;  // then says this
    bool close = true;   // then closes, or waits until the client does
};

awaitable<void> play(Accepted accepted, Script script, std::string& request) {
    auto executor = co_await asio::this_coro::executor;
    Stream stream = std::move(accepted).open(executor).value();
    std::vector<char> room(64 * 1024);
    while (!request.ends_with(script.until)) {
        const auto count = co_await stream.read_some(room, 10s);
        if (count.has_error()) {
            co_return;
        }
        request.append(room.data(), *count);
    }
    auto written = co_await stream.write(script.answer, 10s);
    if (!script.close) {
        written = co_await stream.wait_input(10s);
    }
    co_await stream.finish(10s);
}

awaitable<void> serve(Acceptor& acceptor, TaskGroup& group, Script script, std::string& request) {
    const auto on_connection = [&](Accepted accepted) {
        EXPECT_TRUE(group.spawn(play(std::move(accepted), script, request)).has_value());
    };
    auto result = co_await acceptor.serve(on_connection);
    EXPECT_TRUE(result.has_value());
}

using Call = std::function<awaitable<Result<HttpReply>>(HostPort)>;

class HttpRequestTest : public testing::Test {
protected:
    static awaitable<void> ask(HostPort where, Call call, std::optional<Result<HttpReply>>& reply) {
        reply = co_await call(where);
    }

    Result<HttpReply> exchange(const Script& script, const Call& call) {
        request_.clear();
        auto listener = listen_tcp({"127.0.0.1", 0}).value();
        auto acceptor = Acceptor::create(loop_.executor(), std::move(listener)).value();
        TaskGroup group{loop_.executor(), "server", 2};
        EXPECT_TRUE(group.spawn(serve(acceptor, group, script, request_)).has_value());
        std::optional<Result<HttpReply>> reply;
        loop_.run(ask({"127.0.0.1", acceptor.local().port}, call, reply));
        group.abort();
        loop_.run(group.join());
        return std::move(*reply);
    }

    RunLoop loop_;
    std::string request_;
};

HttpPieces pieces_of(std::vector<std::string> pieces) {
    pieces.emplace_back();
    auto left = std::make_shared<std::vector<std::string>>(std::move(pieces));
    return [left]() -> awaitable<Result<std::string>> {
        std::string piece = std::move(left->front());
        left->erase(left->begin());
        co_return piece;
    };
}

HttpRequestOptions check_options() {
    HttpRequestOptions options;
    options.target = "/checkv2?a=%20";
    options.headers = {{"Queue-Id", "7"}, {"From", "a@example.com"}};
    options.timeout = 10s;
    return options;
}

Call post_pieces(
    HttpRequestOptions options, std::optional<std::uint64_t> octets, std::vector<std::string> pieces
) {
    return [=](HostPort where) { return http_request(where, options, octets, pieces_of(pieces)); };
}

const std::string ok = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n";

TEST_F(HttpRequestTest, sends_a_body_of_known_length) {
    const auto reply = exchange(
        {.until = "onetwo", .answer = ok + "Content-Length: 2\r\n\r\n{}"},
        post_pieces(check_options(), 6, {"one", "two"})
    );
    ASSERT_TRUE(reply.has_value()) << reply.error().message();
    EXPECT_EQ(reply->status, 200U);
    EXPECT_EQ(reply->content_type, "application/json");
    EXPECT_EQ(reply->body, "{}");
    EXPECT_TRUE(request_.starts_with("POST /checkv2?a=%20 HTTP/1.1\r\nHost: 127.0.0.1:"));
    EXPECT_TRUE(
        request_.ends_with("\r\nConnection: close\r\nContent-Length: 6\r\n"
                           "Queue-Id: 7\r\nFrom: a@example.com\r\n\r\nonetwo")
    );
}

TEST_F(HttpRequestTest, sends_chunks_where_the_length_is_not_known) {
    const auto reply = exchange(
        {.until = "0\r\n\r\n",
         .answer = ok + "Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1\r\n}\r\n0\r\n\r\n"},
        post_pieces(check_options(), {}, {"0123456789abcdef0", "x"})
    );
    ASSERT_TRUE(reply.has_value()) << reply.error().message();
    EXPECT_EQ(reply->body, "{}");
    EXPECT_TRUE(request_.ends_with("\r\n\r\n11\r\n0123456789abcdef0\r\n1\r\nx\r\n0\r\n\r\n"));
}

TEST_F(HttpRequestTest, asks_without_a_body) {
    HttpRequestOptions options;
    options.method = "GET";
    options.target = "/ping";
    const auto reply =
        exchange({.until = "\r\n\r\n", .answer = ok + "\r\npong\r\n"}, [&](HostPort where) {
            return http_request(where, options);
        });
    ASSERT_TRUE(reply.has_value()) << reply.error().message();
    EXPECT_EQ(reply->body, "pong\r\n");  // RFC 9112 §6.3: until the connection ends
    EXPECT_EQ(request_.find("Content-Length"), std::string::npos);
}

TEST_F(HttpRequestTest, takes_an_answer_before_the_body_is_through) {
    const std::vector<std::string> pieces(64, std::string(100'000, 'x'));
    const auto reply = exchange(
        {.until = "x", .answer = "HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n"},
        post_pieces(check_options(), {}, pieces)
    );
    ASSERT_TRUE(reply.has_value()) << reply.error().message();
    EXPECT_EQ(reply->status, 413U);
}

TEST_F(HttpRequestTest, refuses_answers_that_are_no_good) {
    HttpRequestOptions small = check_options();
    small.response_octets_max = 10;
    struct Row {
        std::string answer;
        std::function<bool(const Error&)> kind;
    };
    const auto is_limit = [](const Error& error) { return error.is(Errc::limit_exceeded); };
    const auto is_other = [](const Error& error) {
        return !is_closed(error) && !is_timeout(error);
    };
    const std::vector<Row> rows{
        {ok + "Content-Length: 11\r\n\r\n01234567890", is_limit},
        {ok + "\r\n01234567890", is_limit},
        {ok + "X: " + std::string(20'000, 'x'), is_limit},
        {ok + "Content-Length: 9\r\n\r\n0123", is_closed},
        {ok, is_closed},
        {"", is_closed},
        {"220 mail.example.com ESMTP\r\n", is_other},
    };
    for (const Row& row : rows) {
        const auto reply =
            exchange({.until = "body", .answer = row.answer}, post_pieces(small, 4, {"body"}));
        ASSERT_TRUE(reply.has_error()) << row.answer;
        EXPECT_TRUE(row.kind(reply.error())) << row.answer << reply.error().message();
    }
}

TEST_F(HttpRequestTest, has_one_deadline_for_all) {
    HttpRequestOptions hasty = check_options();
    hasty.timeout = 50ms;
    const auto reply = exchange(
        {.until = "body", .answer = ok + "Content-Length: 9\r\n\r\n0", .close = false},
        post_pieces(hasty, 4, {"body"})
    );
    ASSERT_TRUE(reply.has_error());
    EXPECT_TRUE(is_timeout(reply.error())) << reply.error().message();
}

TEST_F(HttpRequestTest, sends_nothing_that_could_be_taken_for_something_else) {
    std::vector<HttpRequestOptions> bad(5, check_options());
    bad[0].headers = {{"Subject", "a\r\nX: y"}};
    bad[1].headers = {{"Sub ject", "a"}};
    bad[2].target = "/a b";
    bad[3].target = "checkv2";
    bad[4].method = "PO ST";
    for (const auto& options : bad) {
        const auto reply =
            exchange({.until = "body", .answer = ok}, post_pieces(options, 4, {"body"}));
        ASSERT_TRUE(reply.has_error());
        EXPECT_TRUE(reply.error().is(Errc::invalid_argument));
        EXPECT_TRUE(request_.empty());
    }
}

TEST_F(HttpRequestTest, stands_for_the_length_it_announced) {
    for (const std::uint64_t octets : {3, 5}) {
        const auto reply = exchange(
            {.until = "never", .answer = ""}, post_pieces(check_options(), octets, {"body"})
        );
        ASSERT_TRUE(reply.has_error());
        EXPECT_TRUE(reply.error().is(Errc::invalid_argument)) << reply.error().message();
    }
}

TEST_F(HttpRequestTest, gives_the_error_of_its_pieces_back) {
    const auto reply = exchange({.until = "never", .answer = ""}, [](HostPort where) {
        HttpPieces broken = []() -> awaitable<Result<std::string>> {
            co_return Error{Errc::corrupt, "unreadable"};
        };
        return http_request(where, check_options(), std::nullopt, broken);
    });
    ASSERT_TRUE(reply.has_error());
    EXPECT_TRUE(reply.error().is(Errc::corrupt));
}

awaitable<void> ask_and_note(HostPort where, std::optional<Error>& error) {
    HttpRequestOptions options = check_options();
    auto reply = co_await http_request(where, options);
    error = reply.has_error() ? reply.error() : Error{};
}

TEST_F(HttpRequestTest, ends_when_its_task_is_cancelled) {
    auto listener = listen_tcp({"127.0.0.1", 0}).value();
    const HostPort where{"127.0.0.1", local_endpoint_of(listener.get()).port};
    std::optional<Error> error;
    TaskGroup group{loop_.executor(), "test", 1};
    ASSERT_TRUE(group.spawn(ask_and_note(where, error)).has_value());
    while (!error && loop_.context().run_one_for(50ms) > 0) {
    }
    EXPECT_FALSE(error.has_value());
    group.cancel();
    loop_.run(group.join());
    EXPECT_TRUE(is_cancelled(*error));
}

using Stop = void (TaskGroup::*)();

awaitable<void> ask_and_stop(
    HostPort where, OnCancel on_cancel, Stop stop, TaskGroup& group, bool& answered
) {
    HttpRequestOptions options = check_options();
    options.on_cancel = on_cancel;
    HttpPieces pieces = [&group, stop]() -> awaitable<Result<std::string>> {
        (group.*stop)();
        co_return std::string{};
    };
    auto reply = co_await http_request(where, options, std::nullopt, pieces);
    answered = reply.has_value();
    EXPECT_TRUE(answered || is_cancelled(reply.error()));
}

TEST_F(HttpRequestTest, finishes_what_is_to_be_finished) {
    struct Row {
        OnCancel on_cancel;
        Stop stop;
        bool answered;
    };
    for (const Row& row :
         {Row{OnCancel::stop, &TaskGroup::cancel, false},
          Row{OnCancel::finish, &TaskGroup::cancel, true},
          Row{OnCancel::finish, &TaskGroup::abort, false}}) {
        TaskGroup group{loop_.executor(), "test", 1};
        bool answered = false;
        const auto ask_in_group = [&](HostPort where) -> awaitable<Result<HttpReply>> {
            auto work = ask_and_stop(where, row.on_cancel, row.stop, group, answered);
            EXPECT_TRUE(group.spawn(std::move(work)).has_value());
            co_await group.join();
            co_return HttpReply{};
        };
        static_cast<void>(exchange(
            {.until = "0\r\n\r\n", .answer = ok + "Content-Length: 2\r\n\r\n{}"}, ask_in_group
        ));
        EXPECT_EQ(answered, row.answered);
    }
}

}  // namespace
}  // namespace siding::net

#include "net/http_client.hpp"
#include "net/http_server.hpp"
#include "net/listener.hpp"
#include "net/network_error.hpp"
#include "net/run_on.hpp"
#include "net/runtime.hpp"
#include "net/task_group.hpp"
#include "tests/net/run_loop.hpp"

#include <cstring>
#include <future>
#include <memory>
#include <pwd.h>
#include <stdexcept>
#include <sys/un.h>

namespace siding::net {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t piece_octets = 100'000;

awaitable<Result<std::optional<std::string>>> next_piece(std::shared_ptr<int> left, bool cut) {
    if (*left == 0) {
        if (cut) {
            co_return Error{Errc::internal, "the reader failed"};
        }
        co_return std::optional<std::string>{};
    }
    --*left;
    co_return std::optional{std::string(piece_octets, static_cast<char>('a' + *left % 26))};
}

HttpResponse stream_pieces(int count, bool cut) {
    HttpResponse response;
    response.content_type = "application/octet-stream";
    response.produce = [left = std::make_shared<int>(count), cut] { return next_piece(left, cut); };
    return response;
}

// What a slow request does: says that it has begun, and waits for leave to end.
struct Gate {
    asio::any_io_executor blocking;
    std::promise<void> begun;
    std::promise<void> may_end;
};

awaitable<HttpResponse> pass(Gate& gate) {
    gate.begun.set_value();
    auto wait = [&gate] {
        gate.may_end.get_future().get();
        return true;
    };
    co_await run_on(gate.blocking, wait);
    HttpResponse response;
    response.body = "passed";
    co_return response;
}

// A directory of little behaviours by path.
awaitable<HttpResponse> handle(const HttpRequest& request) {
    HttpResponse response;
    if (request.path == "/echo") {
        response.body = request.method + " " + request.body;
    } else if (request.path == "/who") {
        response.body = request.peer + (request.over_unix_socket ? " unix" : " tcp");
    } else if (request.path == "/query") {
        response.body = request.query.at("q");
    } else if (request.path == "/token") {
        response.body = request.bearer_token();
    } else if (request.path == "/stream") {
        response = stream_pieces(50, false);
    } else if (request.path == "/cut") {
        response = stream_pieces(3, true);
    } else if (request.path == "/throw") {
        throw std::runtime_error{"bug"};
    } else {
        response.status = 404;
        response.body = "{}";
    }
    co_return response;
}

class HttpTest : public testing::Test {
protected:
    HttpTest() {
        HttpServerOptions options{.name = "test", .blocking = runtime.blocking()};
        options.drain_timeout = 10s;
        auto local = Acceptor::create(runtime.io(0), listen_unix(path).value()).value();
        auto tcp = Acceptor::create(runtime.io(0), listen_tcp({"127.0.0.1", 0}).value()).value();
        address = {"127.0.0.1", tcp.local().port};
        auto handler = [this](const HttpRequest& request) {
            return request.path == "/slow" ? pass(gate) : handle(request);
        };
        EXPECT_TRUE(group.spawn(serve_http(std::move(local), handler, options)).has_value());
        EXPECT_TRUE(group.spawn(serve_http(std::move(tcp), handle, options)).has_value());
    }

    ~HttpTest() override { stop(); }

    void stop() {
        if (std::exchange(stopped, true)) {
            return;
        }
        group.cancel();
        TaskGroup closing{runtime.io(0), "closing", 1};
        std::promise<void> done;
        EXPECT_TRUE(closing.spawn(wait_for_group(group, done)).has_value());
        done.get_future().get();
        runtime.stop();
    }

    static awaitable<void> wait_for_group(TaskGroup& group, std::promise<void>& done) {
        co_await group.join();
        done.set_value();
    }

    // Sends the text as it is, gives all that comes back.
    std::string raw(const std::string& text) const {
        const UniqueFd socket{::socket(AF_UNIX, SOCK_STREAM, 0)};
        sockaddr_un target{};
        target.sun_family = AF_UNIX;
        std::memcpy(target.sun_path, path.data(), path.size());
        const auto* generic = reinterpret_cast<const sockaddr*>(&target);
        EXPECT_EQ(::connect(socket.get(), generic, sizeof target), 0);
        EXPECT_EQ(
            ::send(socket.get(), text.data(), text.size(), MSG_NOSIGNAL),
            static_cast<ssize_t>(text.size())
        );
        ::shutdown(socket.get(), SHUT_WR);
        std::string answer;
        std::array<char, 4096> room;
        for (ssize_t count = 1; count > 0;) {
            count = ::recv(socket.get(), room.data(), room.size(), 0);
            answer.append(room.data(), static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
        }
        return answer;
    }

    static HttpCall get(const std::string& where) { return {.target = {where}}; }

    TemporaryDirectory directory;
    std::string path = directory / "control.sock";
    HostPort address;
    Runtime runtime{{.io_threads = 1, .blocking_threads = 1}};
    TaskGroup group{runtime.io(0), "servers", 2};
    Gate gate{runtime.blocking(), {}, {}};
    bool stopped = false;
};

TEST_F(HttpTest, goes_round_over_a_unix_socket) {
    const HttpClient client{path};
    const auto reply =
        client.request({.method = "POST", .target = {"/echo"}, .body = "hello"}).value();
    EXPECT_EQ(reply.status, 200U);
    EXPECT_EQ(reply.content_type, "application/json");
    EXPECT_EQ(reply.body, "POST hello");
    EXPECT_EQ(client.request(get("/nothing"))->status, 404U);
    const auto query = client.request({.target = {"/query", {{"q", "a+b & c@d"}}}}).value();
    EXPECT_EQ(query.body, "a+b & c@d");
}

TEST_F(HttpTest, knows_the_peer) {
    const auto* user = ::getpwuid(::getuid());
    ASSERT_NE(user, nullptr);
    EXPECT_EQ(
        HttpClient{path}.request(get("/who"))->body,
        "uid:" + std::to_string(::getuid()) + " " + user->pw_name + " unix"
    );
    const HttpClient tcp{address, {}};
    const std::string body = tcp.request(get("/who"))->body;
    EXPECT_TRUE(body.starts_with("127.0.0.1:") && body.ends_with(" tcp")) << body;
}

TEST_F(HttpTest, carries_a_bearer_token) {
    const HttpClient client{address, {.bearer_token = "s3cret"}};
    EXPECT_EQ(client.request(get("/token"))->body, "s3cret");
}

TEST_F(HttpTest, streams_a_long_body) {
    std::size_t total = 0;
    char last = 0;
    const HttpSink sink = [&total, &last](std::string_view octets) -> Result<void> {
        total += octets.size();
        last = octets.back();
        return {};
    };
    const auto reply = HttpClient{path}.download(get("/stream"), sink);
    ASSERT_TRUE(reply.has_value()) << reply.error().message();
    EXPECT_EQ(total, 50 * piece_octets);
    EXPECT_EQ(last, 'a');
    EXPECT_TRUE(reply->body.empty());
    // An answer that is not ok is the reply's, not the sink's.
    total = 0;
    EXPECT_EQ(HttpClient{path}.download(get("/nothing"), sink)->body, "{}");
    EXPECT_EQ(total, 0U);
}

TEST_F(HttpTest, a_cut_stream_is_an_error_and_so_is_a_full_sink) {
    const HttpSink take = [](std::string_view) -> Result<void> { return {}; };
    const auto cut = HttpClient{path}.download(get("/cut"), take);
    ASSERT_TRUE(cut.has_error());
    EXPECT_TRUE(is_closed(cut.error()));
    EXPECT_FALSE(cut.error().is(Errc::unavailable));
    const HttpSink full = [](std::string_view) -> Result<void> {
        return Error{Errc::storage_failure, "disk full"};
    };
    const auto refused = HttpClient{path}.download(get("/stream"), full);
    ASSERT_TRUE(refused.has_error());
    EXPECT_TRUE(refused.error().is(Errc::storage_failure));
}

TEST_F(HttpTest, refuses_an_oversize_body) {
    const std::string much(limits::http_body_octets_max + 1, 'x');
    const auto reply =
        HttpClient{path}.request({.method = "POST", .target = {"/echo"}, .body = much});
    ASSERT_TRUE(reply.has_value()) << reply.error().message();
    EXPECT_EQ(reply->status, 413U);
    const std::string just(limits::http_body_octets_max, 'x');
    const auto taken =
        HttpClient{path}.request({.method = "POST", .target = {"/echo"}, .body = just});
    EXPECT_EQ(taken->status, 200U);
}

TEST_F(HttpTest, refuses_what_is_not_http) {
    EXPECT_TRUE(raw("EHLO there\r\n\r\n").starts_with("HTTP/1.1 400 "));
    EXPECT_TRUE(raw("GET /%zz HTTP/1.1\r\nHost: x\r\n\r\n").starts_with("HTTP/1.1 400 "));
    const std::string long_header(limits::http_header_octets_max + 10, 'x');
    EXPECT_TRUE(raw("GET / HTTP/1.1\r\nX: " + long_header + "\r\n\r\n").starts_with("HTTP/1.1 431 ")
    );
    EXPECT_EQ(raw(""), "");
    EXPECT_EQ(raw("GET /echo HTT"), "");
}

TEST_F(HttpTest, answers_several_requests_on_one_connection) {
    const std::string one = "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc";
    const std::string answer = raw(one + one + "GET /echo HTTP/1.1\r\nConnection: close\r\n\r\n");
    std::size_t count = 0;
    for (std::size_t at = 0; (at = answer.find("HTTP/1.1 200 OK", at)) != answer.npos; ++at) {
        ++count;
    }
    EXPECT_EQ(count, 3U) << answer;
    EXPECT_NE(answer.find("Connection: close"), answer.npos);
}

TEST_F(HttpTest, speaks_the_corners_of_http) {
    const std::string head = raw("HEAD /echo HTTP/1.1\r\nConnection: close\r\n\r\n");
    EXPECT_NE(head.find("Content-Length: 4"), head.npos);  // "GET " is what a GET would get
    EXPECT_TRUE(head.ends_with("\r\n\r\n"));
    const std::string expect =
        raw("POST /echo HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 3\r\n"
            "Connection: close\r\n\r\n");
    EXPECT_TRUE(expect.starts_with("HTTP/1.1 100 Continue\r\n\r\n")) << expect;
    const std::string old = raw("GET /stream HTTP/1.0\r\n\r\n");
    EXPECT_EQ(old.find("chunked"), old.npos);
    EXPECT_GT(old.size(), 50 * piece_octets);
}

TEST_F(HttpTest, a_handler_that_throws_is_a_500) {
    EXPECT_EQ(HttpClient{path}.request(get("/throw"))->status, 500U);
}

TEST_F(HttpTest, lets_a_request_under_way_finish) {
    auto ask = [this] { return HttpClient{path}.request(get("/slow")); };
    auto answer = std::async(std::launch::async, ask);
    gate.begun.get_future().get();
    group.cancel();
    gate.may_end.set_value();
    const auto reply = answer.get();
    ASSERT_TRUE(reply.has_value()) << reply.error().message();
    EXPECT_EQ(reply->body, "passed");
}

TEST_F(HttpTest, says_when_the_daemon_cannot_be_reached) {
    stop();
    const auto gone = HttpClient{path}.request(get("/echo"));
    ASSERT_TRUE(gone.has_error());
    EXPECT_TRUE(gone.error().is(Errc::unavailable));
    EXPECT_NE(gone.error().message().find("is the daemon running?"), std::string::npos);
    const auto refused = HttpClient{address, {}}.request(get("/echo"));
    EXPECT_TRUE(refused.error().is(Errc::unavailable));
}

}  // namespace
}  // namespace siding::net

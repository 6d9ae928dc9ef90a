#include "net/https_get.hpp"

#include "net/acceptor.hpp"
#include "net/listener.hpp"
#include "net/network_error.hpp"
#include "net/task_group.hpp"
#include "net/tls.hpp"
#include "tests/net/run_loop.hpp"
#include "tests/support/test_certificates.hpp"

#include <memory>
#include <optional>
#include <vector>

namespace siding::net {
namespace {

using namespace std::chrono_literals;

const std::string policy_page =
    "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 6\r\n\r\nhello\n";

awaitable<void> play(
    Accepted accepted, std::shared_ptr<TlsServer> server, std::string page, std::string& request
) {
    auto executor = co_await asio::this_coro::executor;
    Stream stream = std::move(accepted).open(executor).value();
    auto secured = co_await stream.start_tls(std::move(server), 10s);
    std::vector<char> room(16 * 1024);
    while (secured.has_value() && !request.ends_with("\r\n\r\n")) {
        const auto count = co_await stream.read_some(room, 10s);
        if (count.has_error()) {
            co_return;
        }
        request.append(room.data(), *count);
    }
    if (secured.has_value()) {
        auto written = co_await stream.write(page, 10s);
        co_await stream.finish(10s);
    }
}

class HttpsGetTest : public testing::Test {
protected:
    HttpsGetTest() { test::write_file(ca_file_, authority_.certificate_pem()); }

    std::shared_ptr<TlsServer> make_server(const test::CertificateOptions& certificate) {
        const auto files = test::write_files(authority_.issue(certificate), directory_ / "sts");
        TlsServer::Options options;
        options.identity = TlsIdentityFiles{files.certificate, files.key};
        options.session_context = "test";
        return TlsServer::create(options).value();
    }

    awaitable<void> serve(
        Acceptor& acceptor, TaskGroup& group, std::shared_ptr<TlsServer> server, std::string page
    ) {
        const auto on_connection = [&](Accepted accepted) {
            auto session = play(std::move(accepted), server, page, request_);
            EXPECT_TRUE(group.spawn(std::move(session)).has_value());
        };
        auto result = co_await acceptor.serve(on_connection);
        EXPECT_TRUE(result.has_value());
    }

    static awaitable<void> fetch(
        std::string host, HttpsGetOptions options, std::optional<Result<HttpReply>>& reply
    ) {
        reply = co_await https_get(std::move(host), "/.well-known/mta-sts.txt", std::move(options));
    }

    Result<HttpReply> get(
        const test::CertificateOptions& certificate,
        const std::string& page,
        bool trusts_authority = true,
        std::size_t octets_max = 1024
    ) {
        request_.clear();
        auto listener = listen_tcp({"127.0.0.1", 0}).value();
        auto acceptor = Acceptor::create(loop_.executor(), std::move(listener)).value();
        TaskGroup group{loop_.executor(), "server", 2};
        auto serving = serve(acceptor, group, make_server(certificate), page);
        EXPECT_TRUE(group.spawn(std::move(serving)).has_value());
        HttpsGetOptions options;
        options.addresses = {{Family::ipv4, "127.0.0.1", acceptor.local().port}};
        options.octets_max = octets_max;
        if (trusts_authority) {
            options.ca_file = ca_file_;
        }
        std::optional<Result<HttpReply>> reply;
        loop_.run(fetch("mta-sts.example.com", options, reply));
        group.abort();
        loop_.run(group.join());
        return std::move(*reply);
    }

    TemporaryDirectory directory_;
    const std::string ca_file_ = directory_ / "ca.pem";
    test::TestCertificate authority_ = test::TestCertificate::authority();
    RunLoop loop_;
    std::string request_;
};

TEST_F(HttpsGetTest, gets_a_page) {
    const auto reply = get({.common_name = "mta-sts.example.com"}, policy_page);
    ASSERT_TRUE(reply.has_value()) << reply.error().message();
    EXPECT_EQ(reply->status, 200U);
    EXPECT_EQ(reply->content_type, "text/plain");
    EXPECT_EQ(reply->body, "hello\n");
    EXPECT_TRUE(request_.starts_with(
        "GET /.well-known/mta-sts.txt HTTP/1.1\r\nHost: mta-sts.example.com\r\n"
    )) << request_;
}

TEST_F(HttpsGetTest, does_not_go_elsewhere) {
    const auto reply =
        get({.common_name = "mta-sts.example.com"},
            "HTTP/1.1 301 Moved\r\nLocation: https://127.0.0.1/\r\nContent-Length: 0\r\n\r\n");
    ASSERT_TRUE(reply.has_value()) << reply.error().message();
    EXPECT_EQ(reply->status, 301U);
}

TEST_F(HttpsGetTest, refuses_certificates_that_do_not_fit) {
    const auto other = get({.common_name = "www.example.com"}, policy_page);
    ASSERT_TRUE(other.has_error());
    EXPECT_TRUE(is_tls_failure(other.error())) << other.error().message();
    const auto old = get({.common_name = "mta-sts.example.com", .valid_until = -1s}, policy_page);
    ASSERT_TRUE(old.has_error());
    EXPECT_TRUE(is_tls_failure(old.error())) << old.error().message();
    const auto strange = get({.common_name = "mta-sts.example.com"}, policy_page, false);
    ASSERT_TRUE(strange.has_error());
    EXPECT_TRUE(is_tls_failure(strange.error())) << strange.error().message();
    EXPECT_TRUE(request_.empty());
}

TEST_F(HttpsGetTest, bounds_the_page) {
    const auto reply = get({.common_name = "mta-sts.example.com"}, policy_page, true, 5);
    ASSERT_TRUE(reply.has_error());
    EXPECT_TRUE(reply.error().is(Errc::limit_exceeded)) << reply.error().message();
}

}  // namespace
}  // namespace siding::net

// Both ends of a connection with a server's and a client's TLS to put on them.
#pragma once

#include "net/stream.hpp"
#include "net/task_group.hpp"
#include "net/tls.hpp"
#include "tests/net/run_loop.hpp"
#include "tests/support/test_certificates.hpp"

#include <memory>
#include <string>
#include <utility>

namespace siding::net {

class TlsStreams : public testing::Test {
protected:
    TlsStreams() {
        const auto files = test::write_files(
            authority_.issue({.common_name = "mx.example.com", .addresses = {"192.0.2.1"}}),
            directory_ / "mx"
        );
        test::write_file(directory_ / "ca.pem", authority_.certificate_pem());
        TlsServer::Options options;
        options.identity = TlsIdentityFiles{files.certificate, files.key};
        options.session_context = "test";
        server_ = TlsServer::create(options).value();
        client_ = make_client("mx.example.com", false);
    }

    std::shared_ptr<TlsClient> make_client(const std::string& name, bool verify) {
        TlsClient::Options options;
        options.name = name;
        options.verify = verify;
        options.ca_file = directory_ / "ca.pem";
        return TlsClient::create(options).value();
    }

    // Runs both at once.
    void run(awaitable<void> one, awaitable<void> other) {
        TaskGroup group{loop_.executor(), "test", 2};
        ASSERT_TRUE(group.spawn(std::move(one)).has_value());
        ASSERT_TRUE(group.spawn(std::move(other)).has_value());
        loop_.run(group.join());
    }

    static awaitable<void> start(Stream& stream, std::shared_ptr<TlsServer> server) {
        auto result = co_await stream.start_tls(std::move(server), std::chrono::seconds{10});
        EXPECT_TRUE(result.has_value()) << result.error().message();
    }

    static awaitable<void> start(Stream& stream, std::shared_ptr<TlsClient> client) {
        auto result = co_await stream.start_tls(std::move(client), std::chrono::seconds{10});
        EXPECT_TRUE(result.has_value()) << result.error().message();
    }

    void shake_hands() { run(start(pair_.near, server_), start(pair_.far, client_)); }

    TemporaryDirectory directory_;
    test::TestCertificate authority_ = test::TestCertificate::authority();
    std::shared_ptr<TlsServer> server_;
    std::shared_ptr<TlsClient> client_;
    RunLoop loop_;
    StreamPair pair_ = StreamPair::create(loop_.executor());
};

inline awaitable<void> say(Stream& stream, std::string text) {
    auto written = co_await stream.write(text, std::chrono::seconds{10});
    EXPECT_TRUE(written.has_value()) << written.error().message();
}

}  // namespace siding::net

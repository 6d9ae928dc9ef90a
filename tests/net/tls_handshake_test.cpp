#include "net/network_error.hpp"
#include "tests/net/tls_streams.hpp"

#include <optional>
#include <vector>

namespace siding::net {
namespace {

using namespace std::chrono_literals;

using TlsHandshakeTest = TlsStreams;

// What is on the wire before the handshake, and what comes of it.
awaitable<void> shake_after(
    StreamPair& pair,
    std::shared_ptr<TlsServer> server,
    std::string injected,
    bool close,
    std::optional<Error>& ended
) {
    co_await say(pair.far, injected);
    if (close) {
        pair.far.close();
    }
    auto result = co_await pair.near.start_tls(std::move(server), 50ms);
    EXPECT_FALSE(pair.near.is_tls());
    EXPECT_TRUE(result.has_error());
    ended = result.has_error() ? result.error() : Error{};
    auto written = co_await pair.near.write("plain text\r\n", 1s);
    EXPECT_TRUE(written.has_error());
    co_await pair.near.finish(10ms);
}

TEST_F(TlsHandshakeTest, tells_how_a_handshake_failed) {
    struct Row {
        std::string_view injected;
        bool close;
        bool (*kind)(const Error&);
    };
    const std::vector<Row> rows{
        {"", false, is_timeout},
        {"", true, is_closed},
        {{"\x16\x03\x01\x02\x00\x01", 6}, false, is_timeout},
        {{"\x16\x03\x01\x02\x00\x01", 6}, true, is_closed},
        {"MAIL FROM:<a@example.com>\r\n", false, is_tls_failure},
        {"GET / HTTP/1.1\r\n\r\n", false, is_tls_failure},
    };
    for (const Row& row : rows) {
        StreamPair pair = StreamPair::create(loop_.executor());
        std::optional<Error> ended;
        loop_.run(shake_after(pair, server_, std::string{row.injected}, row.close, ended));
        EXPECT_TRUE(row.kind(*ended)) << row.injected << ": " << ended->message();
    }
}

awaitable<void> inject_and_start(Stream& stream, std::shared_ptr<TlsClient> client) {
    co_await say(stream, "RSET\r\n");
    auto result = co_await stream.start_tls(std::move(client), 10s);
    EXPECT_TRUE(result.has_error());
}

awaitable<void> expect_failure(Stream& stream, std::shared_ptr<TlsServer> server) {
    auto result = co_await stream.start_tls(std::move(server), 10s);
    EXPECT_TRUE(result.has_error());
    stream.close();
}

TEST_F(TlsHandshakeTest, plain_text_before_the_handshake_breaks_it) {
    run(expect_failure(pair_.near, server_), inject_and_start(pair_.far, client_));
}

awaitable<void> verify_server(
    Stream& stream, std::shared_ptr<TlsClient> client, std::string& outcome
) {
    auto result = co_await stream.start_tls(std::move(client), 10s);
    outcome = result.has_error() ? result.error().context
                                 : (stream.tls().peer_verified ? "verified" : "anybody");
    stream.close();
}

awaitable<void> serve_any(Stream& stream, std::shared_ptr<TlsServer> server) {
    auto result = co_await stream.start_tls(std::move(server), 10s);
    static_cast<void>(result);
}

TEST_F(TlsHandshakeTest, a_client_verifies_when_told) {
    struct Row {
        std::string name;
        bool verify;
        std::string outcome;
    };
    const std::string failed = "TLS handshake with unix: ";
    const std::vector<Row> rows{
        {"mx.example.com", true, "verified"},
        {"192.0.2.1", true, "verified"},
        {"mx.example.org", true, failed + "(hostname mismatch)"},
        {"192.0.2.2", true, failed + "(IP address mismatch)"},
        {"mx.example.com", false, "verified"},
        {"mx.example.org", false, "anybody"},
    };
    for (const Row& row : rows) {
        StreamPair pair = StreamPair::create(loop_.executor());
        std::string outcome;
        auto client = make_client(row.name, row.verify);
        run(serve_any(pair.near, server_), verify_server(pair.far, client, outcome));
        EXPECT_EQ(outcome, row.outcome) << row.name;
    }
}

TEST_F(TlsHandshakeTest, a_client_names_the_file_that_it_cannot_read) {
    TlsClient::Options options;
    options.ca_file = directory_ / "missing.pem";
    const auto client = TlsClient::create(options);
    ASSERT_TRUE(client.has_error());
    EXPECT_NE(client.error().message().find("missing.pem"), std::string::npos);
    EXPECT_TRUE(TlsClient::create({.verify = true, .name = "", .ca_file = {}}).has_error());
}

}  // namespace
}  // namespace siding::net

#include "net/connect.hpp"

#include "net/listener.hpp"
#include "net/network_error.hpp"
#include "tests/net/run_loop.hpp"

#include <optional>
#include <vector>

namespace siding::net {
namespace {

using namespace std::chrono_literals;
using Connected = std::optional<Result<Stream>>;

awaitable<void> try_connect(HostPort target, ConnectOptions options, Connected& result) {
    result = co_await connect(target, options);
}

ConnectOptions from(const char* source_address) {
    ConnectOptions options;
    options.source_addresses = {source_address};
    return options;
}

ConnectOptions within(std::chrono::milliseconds timeout) {
    ConnectOptions options;
    options.timeout = timeout;
    return options;
}

std::uint16_t port_of(const UniqueFd& listener) {
    return local_endpoint_of(listener.get()).port;
}

TEST(Connect, tries_every_address_of_a_name) {
    RunLoop loop;
    const auto listener = listen_tcp({"127.0.0.1", 0}).value();  // ::1 refuses, 127.0.0.1 takes
    Connected result;
    loop.run(try_connect({"localhost", port_of(listener)}, {}, result));
    ASSERT_TRUE(result->has_value()) << result->error().message();
    EXPECT_EQ((*result)->peer().text(), "127.0.0.1:" + std::to_string(port_of(listener)));
}

TEST(Connect, uses_the_source_address) {
    RunLoop loop;
    const auto listener = listen_tcp({"127.0.0.1", 0}).value();
    Connected result;
    loop.run(try_connect({"127.0.0.1", port_of(listener)}, from("127.0.0.3"), result));
    ASSERT_TRUE(result->has_value());
    EXPECT_EQ((*result)->local().address, "127.0.0.3");
}

awaitable<void> try_list(std::vector<Endpoint> targets, ConnectOptions options, Connected& result) {
    result = co_await connect(targets, options);
}

TEST(Connect, takes_the_first_address_of_a_list_that_answers) {
    RunLoop loop;
    const auto listener = listen_tcp({"127.0.0.1", 0}).value();
    const std::uint16_t port = port_of(listener);
    const std::vector<Endpoint> targets{
        {Family::ipv4, "mx.example", port},  // no name here
        {Family::ipv4, "127.0.0.2", port},   // refuses
        {Family::ipv6, "::1", port},         // has no source address
        {Family::ipv4, "127.0.0.1", port}};
    ConnectOptions options;
    options.source_addresses = {"127.0.0.5"};
    Connected result;
    loop.run(try_list(targets, options, result));
    ASSERT_TRUE(result->has_value()) << result->error().message();
    EXPECT_EQ((*result)->peer().address, "127.0.0.1");
    EXPECT_EQ((*result)->local().address, "127.0.0.5");

    options.source_addresses = {"::1", "127.0.0.5"};
    loop.run(try_list({targets.back()}, options, result));
    ASSERT_TRUE(result->has_value()) << result->error().message();
    EXPECT_EQ((*result)->local().address, "127.0.0.5");
    loop.run(try_list({}, {}, result));
    EXPECT_TRUE(result->error().is(Errc::unavailable));
}

TEST(Connect, says_why_it_failed) {
    RunLoop loop;
    std::uint16_t port = 0;
    {
        const auto listener = listen_tcp({"127.0.0.1", 0}).value();
        port = port_of(listener);
    }
    Connected result;
    loop.run(try_connect({"127.0.0.1", port}, {}, result));
    ASSERT_TRUE(result->has_error());
    const std::string expected = "connecting to 127.0.0.1:" + std::to_string(port);
    EXPECT_EQ(result->error().message(), expected + ": Connection refused");

    loop.run(try_connect({"127.0.0.1", port}, from("::1"), result));
    EXPECT_TRUE(result->error().is(Errc::unavailable));
    loop.run(try_connect({"127.0.0.1", port}, from("here"), result));
    EXPECT_TRUE(result->error().is(Errc::invalid_argument));
    loop.run(try_connect({"no-such-name.invalid", port}, within(10s), result));
    EXPECT_TRUE(result->has_error());
}

TEST(Connect, gives_up_at_the_deadline) {
    RunLoop loop;
    // A full backlog answers no further SYN.
    const auto listener = listen_tcp({"127.0.0.1", 0}, {.backlog = 0}).value();
    std::vector<Connected> results(8);
    bool timed_out = false;
    for (Connected& result : results) {
        loop.run(try_connect({"127.0.0.1", port_of(listener)}, within(50ms), result));
        timed_out = timed_out || (result->has_error() && is_timeout(result->error()));
    }
    EXPECT_TRUE(timed_out);
}

awaitable<void> try_unix(std::string path, Connected& result) {
    result = co_await connect_unix(path, 1s);
}

TEST(ConnectUnix, connects_and_fails_with_a_reason) {
    RunLoop loop;
    const TemporaryDirectory directory;
    const std::string path = directory / "x.sock";
    const auto listener = listen_unix(path).value();
    Connected result;
    loop.run(try_unix(path, result));
    EXPECT_TRUE(result->has_value());
    loop.run(try_unix(directory / "none.sock", result));
    EXPECT_TRUE(result->has_error());
    loop.run(try_unix(std::string(200, 'x'), result));
    EXPECT_TRUE(result->error().is(Errc::invalid_argument));
}

}  // namespace
}  // namespace siding::net

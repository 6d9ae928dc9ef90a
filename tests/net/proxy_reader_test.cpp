#include "net/proxy_reader.hpp"

#include "net/network_error.hpp"
#include "tests/net/run_loop.hpp"

#include <optional>
#include <string>

namespace siding::net {
namespace {

using namespace std::chrono_literals;

const std::string line = "PROXY TCP4 192.0.2.1 198.51.100.2 40000 25\r\n";

awaitable<void> say(Stream& stream, std::string text) {
    auto written = co_await stream.write(text, 10s);
    EXPECT_TRUE(written.has_value());
}

awaitable<void> read_in_two(StreamPair& pair, std::size_t split) {
    ReadBuffer buffer{4096, 1024};
    if (split > 0) {
        co_await say(pair.far, line.substr(0, split));
        const auto part = co_await read_proxy_header(pair.near, buffer, 0ms);
        EXPECT_TRUE(part.has_error() && is_timeout(part.error())) << split;
    }
    co_await say(pair.far, line.substr(split) + "EHLO a\r\n");
    const auto header = co_await read_proxy_header(pair.near, buffer, 10s);
    EXPECT_TRUE(header.has_value() && header->source.text() == "192.0.2.1:40000") << split;
    EXPECT_TRUE(buffer.empty());  // TLS could begin here
    const auto next = co_await pair.near.read_line(buffer, 10s);
    EXPECT_TRUE(next.has_value() && next->text == "EHLO a") << split;
}

TEST(ProxyReader, takes_the_header_and_nothing_else) {
    RunLoop loop;
    for (std::size_t split = 0; split < line.size(); ++split) {
        StreamPair pair = StreamPair::create(loop.executor());
        loop.run(read_in_two(pair, split));
    }
}

awaitable<void> refuse(StreamPair& pair) {
    ReadBuffer buffer{4096, 1024};
    co_await say(pair.far, "EHLO a\r\n");
    const auto header = co_await read_proxy_header(pair.near, buffer, 10s);
    EXPECT_TRUE(header.has_error() && header.error().is(Errc::invalid_argument));
}

awaitable<void> wait_in_vain(StreamPair& pair, std::string beginning) {
    ReadBuffer buffer{4096, 1024};
    co_await say(pair.far, beginning);
    const auto header = co_await read_proxy_header(pair.near, buffer, 30ms);
    EXPECT_TRUE(header.has_error() && is_timeout(header.error()));
}

TEST(ProxyReader, turns_away_who_does_not_speak_it) {
    RunLoop loop;
    StreamPair pair = StreamPair::create(loop.executor());
    loop.run(refuse(pair));
    for (const std::string& beginning : {std::string{}, line.substr(0, 20)}) {
        StreamPair silent = StreamPair::create(loop.executor());
        loop.run(wait_in_vain(silent, beginning));
    }
}

awaitable<void> read_optional(
    StreamPair& pair, std::string sent, std::string& outcome, std::string& rest
) {
    ReadBuffer buffer{4096, 1024};
    co_await say(pair.far, sent);
    const auto header = co_await read_optional_proxy_header(pair.near, buffer, 30ms);
    if (header.has_error()) {
        outcome = is_timeout(header.error()) ? "timeout" : "error";
    } else {
        outcome = *header ? (*header)->source.text() : "none";
    }
    const auto filled = co_await pair.near.fill(buffer, 0ms);
    EXPECT_TRUE(filled.has_value() || is_timeout(filled.error()));
    rest = buffer.data();
}

TEST(ProxyReader, lets_others_through_where_it_may) {
    struct Row {
        std::string sent;
        std::string outcome;
        std::string rest;
    };
    const std::vector<Row> rows{
        {line, "192.0.2.1:40000", ""},
        {line + "EHLO a\r\n", "192.0.2.1:40000", "EHLO a\r\n"},
        {"EHLO a\r\n", "none", "EHLO a\r\n"},
        {"\x16\x03\x01", "none", "\x16\x03\x01"},
        {"", "none", ""},  // waits for the greeting
        {"PROXY TCP4", "timeout", "PROXY TCP4"},
        {"PRO\r\n", "none", "PRO\r\n"},
        {"PROXY TCP5 a b 1 2\r\n", "error", "PROXY TCP5 a b 1 2\r\n"},
    };
    RunLoop loop;
    for (const Row& row : rows) {
        StreamPair pair = StreamPair::create(loop.executor());
        std::string outcome;
        std::string rest;
        loop.run(read_optional(pair, row.sent, outcome, rest));
        EXPECT_EQ(outcome, row.outcome) << row.sent;
        EXPECT_EQ(rest, row.rest);
    }
}

}  // namespace
}  // namespace siding::net

#include "net/network_error.hpp"
#include "tests/net/tls_streams.hpp"

#include <functional>
#include <optional>
#include <vector>

namespace siding::net {
namespace {

using namespace std::chrono_literals;

using TlsStreamTest = TlsStreams;

awaitable<void> expect_line(Stream& stream, ReadBuffer& buffer, std::string text) {
    const auto line = co_await stream.read_line(buffer, 10s);
    EXPECT_TRUE(line.has_value() && line->text == text) << text;
}

awaitable<void> serve_starttls(Stream& stream, std::shared_ptr<TlsServer> server) {
    ReadBuffer buffer{4096, 1024};
    co_await expect_line(stream, buffer, "STARTTLS");
    EXPECT_TRUE(buffer.empty());
    co_await say(stream, "220 ready\r\n");
    auto result = co_await stream.start_tls(std::move(server), 10s);
    EXPECT_TRUE(result.has_value());
    EXPECT_EQ(stream.tls().server_name, "mx.example.com");
    // Sent right behind the client's Finished.
    co_await expect_line(stream, buffer, "EHLO a");
    co_await expect_line(stream, buffer, "NOOP");
    co_await say(stream, "250 ok\r\n");
    co_await stream.finish(10s);
}

awaitable<void> ask_starttls(Stream& stream, std::shared_ptr<TlsClient> client) {
    ReadBuffer buffer{4096, 1024};
    co_await say(stream, "STARTTLS\r\n");
    co_await expect_line(stream, buffer, "220 ready");
    EXPECT_FALSE(stream.is_tls());
    auto result = co_await stream.start_tls(std::move(client), 10s);
    EXPECT_TRUE(result.has_value());
    EXPECT_TRUE(stream.is_tls());
    EXPECT_EQ(stream.tls().version, "TLSv1.3");
    co_await say(stream, "EHLO a\r\nNOOP\r\n");
    co_await expect_line(stream, buffer, "250 ok");
    const auto line = co_await stream.read_line(buffer, 10s);
    EXPECT_TRUE(line.has_error() && is_closed(line.error()));
    stream.close();
}

TEST_F(TlsStreamTest, starts_in_the_middle_of_a_session) {
    run(serve_starttls(pair_.near, server_), ask_starttls(pair_.far, client_));
}

std::string some_octets(std::size_t size) {
    std::string octets(size, '\0');
    std::uint32_t state = 1;
    for (char& octet : octets) {
        state = state * 1664525 + 1013904223;
        octet = static_cast<char>(state >> 24);
    }
    return octets;
}

awaitable<void> write_pieces(Stream& stream, const std::string& text) {
    const std::string_view view{text};
    // Empty, small, longer than a record, and the rest.
    const std::vector<asio::const_buffer> pieces{
        asio::buffer(view.substr(0, 0)),
        asio::buffer(view.substr(0, 5)),
        asio::buffer(view.substr(5, 40'000)),
        asio::buffer(view.substr(40'005)),
    };
    const std::span<const asio::const_buffer> all{pieces};
    auto written = co_await stream.write(all, 10s);
    EXPECT_TRUE(written.has_value());
}

// Gives up all the time, in the middle of records.
awaitable<void> read_impatiently(Stream& stream, std::size_t size, std::string& text) {
    std::vector<char> room(7000);
    unsigned timeouts = 0;
    while (text.size() < size && timeouts < 10'000) {
        const auto count = co_await stream.read_some(room, 0ms);
        if (count.has_value()) {
            text.append(room.data(), *count);
            continue;
        }
        ++timeouts;
        EXPECT_TRUE(is_timeout(count.error())) << count.error().message();
    }
}

TEST_F(TlsStreamTest, loses_no_octet_to_interrupted_reads) {
    shake_hands();
    const std::string sent = some_octets(5'000'000);
    std::string received;
    run(write_pieces(pair_.far, sent), read_impatiently(pair_.near, sent.size(), received));
    EXPECT_TRUE(sent == received);
}

awaitable<void> time_out_and_go_on(StreamPair& pair) {
    std::array<char, 16> room;
    auto count = co_await pair.near.read_some(room, 20ms);
    EXPECT_TRUE(count.has_error() && is_timeout(count.error()));
    auto waited = co_await pair.near.wait_input(20ms);
    EXPECT_TRUE(waited.has_error() && is_timeout(waited.error()));
    co_await say(pair.near, "421 4.4.2 timeout\r\n");
    ReadBuffer buffer{64, 64};
    co_await expect_line(pair.far, buffer, "421 4.4.2 timeout");
}

TEST_F(TlsStreamTest, a_read_ends_at_its_deadline) {
    shake_hands();
    loop_.run(time_out_and_go_on(pair_));
}

awaitable<void> write_too_much(StreamPair& pair) {
    const std::string much(8 * 1024 * 1024, 'x');
    auto written = co_await pair.near.write(much, 20ms);
    EXPECT_TRUE(written.has_error() && is_timeout(written.error()));
    pair.near.close();
}

TEST_F(TlsStreamTest, a_write_ends_at_its_deadline) {
    shake_hands();
    loop_.run(write_too_much(pair_));
}

awaitable<void> notice_input(StreamPair& pair) {
    // The tickets of TLS 1.3 have come by now, and are no input.
    auto waited = co_await pair.far.wait_input(20ms);
    EXPECT_TRUE(waited.has_error() && is_timeout(waited.error()));
    EXPECT_FALSE(pair.far.has_input());
    co_await say(pair.near, "one\r\ntwo\r\n");
    waited = co_await pair.far.wait_input(10s);
    EXPECT_TRUE(waited.has_value());
    std::array<char, 5> room;
    auto count = co_await pair.far.read_some(room, 10s);
    EXPECT_TRUE(count.has_value() && *count == 5);
    EXPECT_TRUE(pair.far.has_input());  // decrypted already
    waited = co_await pair.far.wait_input(10s);
    EXPECT_TRUE(waited.has_value());
    count = co_await pair.far.read_some(room, 10s);
    EXPECT_FALSE(pair.far.has_input());
    pair.near.close();
    waited = co_await pair.far.wait_input(10s);
    EXPECT_TRUE(waited.has_value());
    EXPECT_TRUE(pair.far.has_input());  // the end
}

TEST_F(TlsStreamTest, knows_of_input_that_is_decrypted_already) {
    shake_hands();
    loop_.run(notice_input(pair_));
}

// Between a read that found nothing and the wait: wait_ready() has to look at TLS, and what it sees
// there is no longer in the socket.
awaitable<void> hear_what_comes_between(StreamPair& pair) {
    std::array<char, 64> room;
    auto count = pair.far.read_now(room);
    EXPECT_TRUE(count.has_value() && *count == 0);
    co_await say(pair.near, "one\r\n");
    const auto ready = co_await pair.far.wait_ready(false, 10s);
    EXPECT_TRUE(ready.has_value());
    count = pair.far.read_now(room);
    EXPECT_TRUE(count.has_value() && *count == 5);
    pair.near.close();
    const auto ended = co_await pair.far.wait_ready(false, 10s);
    EXPECT_TRUE(ended.has_value());
    EXPECT_TRUE(pair.far.read_now(room).has_error());
}

TEST_F(TlsStreamTest, a_wait_misses_nothing_that_came_before_it) {
    shake_hands();
    loop_.run(hear_what_comes_between(pair_));
}

using Operation = std::function<awaitable<Error>(Stream&)>;

awaitable<void> note_end(Stream& stream, Operation operation, std::optional<Error>& ended) {
    ended = co_await operation(stream);
}

awaitable<Error> read_with(Stream& stream, OnCancel on_cancel) {
    ReadBuffer buffer{4096, 1024};
    auto line = co_await stream.read_line(buffer, 10s, on_cancel);
    co_return line.has_error() ? line.error() : Error{Errc::not_found, std::string{line->text}};
}

awaitable<Error> wait_with(Stream& stream, OnCancel on_cancel) {
    auto waited = co_await stream.wait_input(10s, on_cancel);
    co_return waited.has_error() ? waited.error() : Error{Errc::not_found, "input"};
}

awaitable<Error> shake_with(Stream& stream, std::shared_ptr<TlsServer> server) {
    auto result = co_await stream.start_tls(std::move(server), 10s);
    co_return result.has_error() ? result.error() : Error{Errc::not_found, "TLS"};
}

TEST_F(TlsStreamTest, cancel_ends_what_waits_for_something_new) {
    shake_hands();
    for (const auto& wait : {read_with, wait_with}) {
        std::optional<Error> ended;
        TaskGroup group{loop_.executor(), "test", 1};
        const auto operation = [wait](Stream& stream) { return wait(stream, OnCancel::stop); };
        ASSERT_TRUE(group.spawn(note_end(pair_.near, operation, ended)).has_value());
        loop_.context().poll();
        group.cancel();
        loop_.run(group.join());
        EXPECT_TRUE(is_cancelled(*ended));
    }
    // The connection is whole.
    std::optional<Error> line;
    const auto operation = [](Stream& stream) { return read_with(stream, OnCancel::stop); };
    run(note_end(pair_.near, operation, line), say(pair_.far, "NOOP\r\n"));
    EXPECT_EQ(line->context, "NOOP");
}

TEST_F(TlsStreamTest, cancel_leaves_what_is_to_be_finished) {
    shake_hands();
    for (const auto& wait : {read_with, wait_with}) {
        std::optional<Error> ended;
        TaskGroup group{loop_.executor(), "test", 1};
        const auto operation = [wait](Stream& stream) { return wait(stream, OnCancel::finish); };
        ASSERT_TRUE(group.spawn(note_end(pair_.near, operation, ended)).has_value());
        loop_.context().poll();
        group.cancel();
        loop_.context().restart();
        loop_.context().poll();
        EXPECT_FALSE(ended.has_value());
        loop_.run(say(pair_.far, "NOOP\r\n"));
        loop_.run(group.join());
        EXPECT_TRUE(ended->is(Errc::not_found)) << ended->message();
    }
}

TEST_F(TlsStreamTest, abort_ends_everything) {
    shake_hands();
    for (const auto& wait : {wait_with, read_with}) {
        std::optional<Error> ended;
        TaskGroup group{loop_.executor(), "test", 1};
        const auto operation = [wait](Stream& stream) { return wait(stream, OnCancel::finish); };
        ASSERT_TRUE(group.spawn(note_end(pair_.near, operation, ended)).has_value());
        loop_.context().poll();
        group.abort();
        loop_.run(group.join());
        EXPECT_TRUE(is_cancelled(*ended));
    }
}

TEST_F(TlsStreamTest, cancel_ends_a_handshake) {
    std::optional<Error> ended;
    TaskGroup group{loop_.executor(), "test", 1};
    const auto operation = [this](Stream& stream) { return shake_with(stream, server_); };
    ASSERT_TRUE(group.spawn(note_end(pair_.near, operation, ended)).has_value());
    loop_.context().poll();
    group.cancel();
    loop_.run(group.join());
    EXPECT_TRUE(is_cancelled(*ended));
}

}  // namespace
}  // namespace siding::net

#include "net/stream.hpp"

#include "base/limits.hpp"
#include "net/network_error.hpp"
#include "tests/net/run_loop.hpp"

namespace siding::net {
namespace {

using namespace std::chrono_literals;

awaitable<void> time_out_and_go_on(StreamPair& pair) {
    std::array<char, 16> room;
    auto count = co_await pair.near.read_some(room, 20ms);
    EXPECT_TRUE(count.has_error() && is_timeout(count.error()));
    // The connection is whole: a server says 421 before it closes.
    auto written = co_await pair.near.write("421 4.4.2 timeout\r\n", 1s);
    EXPECT_TRUE(written.has_value());
    ReadBuffer buffer{64, 64};
    const auto line = co_await pair.far.read_line(buffer, 1s);
    EXPECT_EQ(line->text, "421 4.4.2 timeout");
}

TEST(Stream, a_read_ends_at_its_deadline) {
    RunLoop loop;
    StreamPair pair = StreamPair::create(loop.executor());
    loop.run(time_out_and_go_on(pair));
}

awaitable<void> write_too_much(StreamPair& pair) {
    const std::string much(8 * 1024 * 1024, 'x');
    auto written = co_await pair.near.write(much, 20ms);
    EXPECT_TRUE(written.has_error() && is_timeout(written.error()));
}

TEST(Stream, a_write_ends_at_its_deadline) {
    RunLoop loop;
    StreamPair pair = StreamPair::create(loop.executor());
    loop.run(write_too_much(pair));
}

awaitable<void> gather_and_close(StreamPair& pair) {
    const std::string_view code = "250-";
    const std::string_view rest = "one\r\n250 two\r\n";
    const std::array pieces{asio::buffer(code), asio::buffer(rest)};
    auto written = co_await pair.near.write(pieces, 1s);
    EXPECT_TRUE(written.has_value());
    EXPECT_TRUE(pair.far.has_input());
    pair.near.close();
    ReadBuffer buffer{64, 64};
    auto line = co_await pair.far.read_line(buffer, 1s);
    EXPECT_EQ(line->text, "250-one");
    line = co_await pair.far.read_line(buffer, 1s);
    EXPECT_EQ(line->text, "250 two");
    EXPECT_TRUE(pair.far.has_input());  // the end
    line = co_await pair.far.read_line(buffer, 1s);
    EXPECT_TRUE(line.has_error() && is_closed(line.error()));
}

TEST(Stream, gathers_pieces_and_tells_the_end) {
    RunLoop loop;
    StreamPair pair = StreamPair::create(loop.executor());
    EXPECT_FALSE(pair.far.has_input());
    loop.run(gather_and_close(pair));
}

awaitable<void> flood(StreamPair& pair) {
    const std::string piece(limits::discarded_line_octets_max / 2, 'x');
    ReadBuffer buffer{4096, 4096};
    auto line = Result<ReadBuffer::Line>{Error{}};
    for (int n = 0; n < 3; ++n) {
        auto written = co_await pair.near.write(piece, 1s);
        EXPECT_TRUE(written.has_value());
        line = co_await pair.far.read_line(buffer, 50ms);
        EXPECT_TRUE(line.has_error());
    }
    EXPECT_TRUE(line.error().is(Errc::limit_exceeded));
}

TEST(Stream, gives_up_on_a_line_without_end) {
    RunLoop loop;
    StreamPair pair = StreamPair::create(loop.executor());
    loop.run(flood(pair));
}

awaitable<void> speak_last(StreamPair& pair) {
    auto written = co_await pair.far.write("unread octets", 1s);
    EXPECT_TRUE(written.has_value());
    written = co_await pair.near.write("554 no\r\n", 1s);
    EXPECT_TRUE(written.has_value());
    co_await pair.near.finish(20ms);
    ReadBuffer buffer{64, 64};
    auto line = co_await pair.far.read_line(buffer, 1s);
    EXPECT_EQ(line->text, "554 no");
    line = co_await pair.far.read_line(buffer, 1s);
    EXPECT_TRUE(line.has_error() && is_closed(line.error()));
}

TEST(Stream, finish_lets_the_last_words_arrive) {
    RunLoop loop;
    StreamPair pair = StreamPair::create(loop.executor());
    loop.run(speak_last(pair));
}

awaitable<void> send_more_than_is_looked_for(StreamPair& pair) {
    std::string much;
    for (int n = 0; n < 200; ++n) {
        much += "RCPT TO:<" + std::to_string(n) + "@example.com>\r\n";
    }
    auto written = co_await pair.far.write(much, 1s);
    EXPECT_TRUE(written.has_value());
    ReadBuffer buffer{16 * 1024, 4096};
    auto line = co_await pair.near.read_line(buffer, 1s);
    EXPECT_EQ(line->text, "RCPT TO:<0@example.com>");
    // All that had come is there, so that answers can be gathered (RFC 2920 §3.2).
    EXPECT_EQ(buffer.data().size(), much.size() - 25);
    EXPECT_FALSE(pair.near.has_input());
}

TEST(Stream, reads_all_that_has_come) {
    RunLoop loop;
    StreamPair pair = StreamPair::create(loop.executor());
    loop.run(send_more_than_is_looked_for(pair));
}

awaitable<void> wait_for_input(StreamPair& pair) {
    auto waited = co_await pair.near.wait_input(20ms);
    EXPECT_TRUE(waited.has_error() && is_timeout(waited.error()));
    auto written = co_await pair.far.write("x", 1s);
    EXPECT_TRUE(written.has_value());
    waited = co_await pair.near.wait_input(1s);
    EXPECT_TRUE(waited.has_value());
    EXPECT_TRUE(pair.near.has_input());
}

TEST(Stream, waits_for_input_without_reading) {
    RunLoop loop;
    StreamPair pair = StreamPair::create(loop.executor());
    loop.run(wait_for_input(pair));
}

TEST(Stream, shows_the_peer_that_it_was_told) {
    RunLoop loop;
    StreamPair pair = StreamPair::create(loop.executor());
    pair.near.set_peer({Family::ipv4, "192.0.2.1", 40000});
    EXPECT_EQ(pair.near.peer().text(), "192.0.2.1:40000");
    EXPECT_FALSE(pair.near.is_tls());
}

awaitable<void> many_short_reads(StreamPair& pair) {
    std::array<char, 16> room;
    for (int n = 0; n < 5000; ++n) {
        auto written = co_await pair.near.write("x", 5min);
        auto count = co_await pair.far.read_some(room, 5min);
        if (written.has_error() || count.has_error()) {
            ADD_FAILURE() << "at " << n;
            co_return;
        }
    }
}

TEST(Stream, does_thousands_of_operations_with_long_deadlines) {
    RunLoop loop;
    StreamPair pair = StreamPair::create(loop.executor());
    loop.run(many_short_reads(pair));
}

}  // namespace
}  // namespace siding::net

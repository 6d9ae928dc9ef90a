#include "tests/support/scripted_peer.hpp"

#include "net/listener.hpp"

#include <array>

namespace siding::test {
namespace {

// Longer than any test: a peer that waits too long is the test's own deadline to tell.
constexpr std::chrono::seconds patience{60};

net::awaitable<bool> read_more(net::Stream& stream, std::string& unread) {
    std::array<char, 16 * 1024> room{};
    const auto got = co_await stream.read_some(room, patience);
    if (got) {
        unread.append(room.data(), *got);
    }
    co_return got.has_value();
}

// Up to and without `end`; nothing when the client is gone.
net::awaitable<bool> read_to(
    net::Stream& stream, std::string& unread, std::string_view end, std::string& out
) {
    for (;;) {
        const auto at = unread.find(end);
        if (at != std::string::npos) {
            out = unread.substr(0, at);
            unread.erase(0, at + end.size());
            co_return true;
        }
        const bool more = co_await read_more(stream, unread);
        if (!more) {
            co_return false;
        }
    }
}

}  // namespace

Script hello(const std::vector<std::string>& keywords) {
    std::string answer = "250-peer.example";
    for (const std::string& keyword : keywords) {
        answer += "\r\n250-" + keyword;
    }
    return {{"", "220 peer.example ESMTP"}, {"EHLO ", answer + "\r\n250 HELP"}};
}

Script takes_message() {
    return {
        {"MAIL FROM:<", "250 2.1.0 ok"},
        {"RCPT TO:<", "250 2.1.5 ok"},
        {"DATA", "354 go on"},
        {".", "250 2.0.0 taken"},
    };
}

Script operator+(Script first, const Script& then) {
    first.insert(first.end(), then.begin(), then.end());
    return first;
}

ScriptedPeer::ScriptedPeer(net::asio::any_io_executor executor)
    : tasks_{executor, "scripted peer", 64} {
    auto listener = net::listen_tcp({"127.0.0.1", 0}).value();
    auto acceptor = net::Acceptor::create(executor, std::move(listener)).value();
    port_ = acceptor.local().port;
    static_cast<void>(tasks_.spawn(serve(std::move(acceptor), *this)));
}

net::awaitable<void> ScriptedPeer::stop() {
    tasks_.abort();
    co_await tasks_.join();
}

net::awaitable<void> ScriptedPeer::serve(net::Acceptor acceptor, ScriptedPeer& peer) {
    auto on_connection = [&peer](net::Accepted accepted) {
        ++peer.connections_;
        if (peer.scripts_.empty()) {
            peer.problems_.emplace_back("a connection without a script");
            return;
        }
        auto stream = std::move(accepted).open(peer.tasks_.executor());
        if (stream && peer.tasks_.spawn(play(std::move(*stream), peer.scripts_.front(), peer))) {
            ++peer.open_;
        }
        peer.scripts_.pop_front();
    };
    static_cast<void>(co_await acceptor.serve(std::move(on_connection)));
}

net::awaitable<void> ScriptedPeer::play(net::Stream stream, Script script, ScriptedPeer& peer) {
    std::string unread;
    bool goes_on = true;
    for (const Turn& turn : script) {
        goes_on = co_await hear(stream, unread, turn, peer);
        if (!goes_on) {
            break;
        }
        goes_on = co_await answer(stream, unread, turn, peer);
        if (!goes_on) {
            break;
        }
    }
    if (goes_on) {
        co_await play_out(stream, unread, peer);
    }
    stream.close();
    --peer.open_;
}

// False when the client is gone.
net::awaitable<bool> ScriptedPeer::hear(
    net::Stream& stream, std::string& unread, const Turn& turn, ScriptedPeer& peer
) {
    std::string line;
    bool goes_on = true;
    if (turn.expect == ".") {
        // The CRLF before the dot belongs to the message.
        goes_on = co_await read_to(stream, unread, "\r\n.\r\n", line);
        if (goes_on) {
            peer.messages_.push_back(line + "\r\n");
            line = ".";
        } else {
            peer.fragments_.push_back(unread);
        }
    } else if (!turn.expect.empty()) {
        goes_on = co_await read_to(stream, unread, "\r\n", line);
    }
    if (!goes_on || line.empty()) {
        co_return goes_on;
    }
    peer.lines_.push_back(line);
    if (!line.starts_with(turn.expect)) {
        peer.problems_.push_back("'" + line + "' instead of '" + turn.expect + "'");
    }
    if (peer.on_line) {
        peer.on_line(line);
    }
    if (line.starts_with("BDAT ")) {
        const std::size_t octets = std::stoul(line.substr(5));
        while (goes_on && unread.size() < octets) {
            goes_on = co_await read_more(stream, unread);
        }
        auto& to = goes_on ? peer.messages_ : peer.fragments_;
        to.push_back(unread.substr(0, octets));
        unread.erase(0, octets);
    }
    co_return goes_on;
}

// False when nothing comes after it.
net::awaitable<bool> ScriptedPeer::answer(
    net::Stream& stream, std::string& unread, const Turn& turn, ScriptedPeer& peer
) {
    if (turn.answer == silence) {
        co_return true;
    }
    if (turn.answer == drop || turn.answer == hang) {
        bool is_there = turn.answer == hang;
        while (is_there) {
            is_there = co_await read_more(stream, unread);
        }
        co_return false;
    }
    const bool is_tls = turn.answer == start_tls;
    const std::string octets = (is_tls ? "220 2.0.0 go" : turn.answer) + "\r\n";
    const auto written = co_await stream.write(octets, patience);
    if (!written || !is_tls) {
        co_return written.has_value();
    }
    const auto started = co_await stream.start_tls(peer.tls_, patience);
    peer.handshakes_ += started ? 1 : 0;
    co_return started.has_value();
}

net::awaitable<void> ScriptedPeer::play_out(
    net::Stream& stream, std::string& unread, ScriptedPeer& peer
) {
    std::string line;
    const bool there = co_await read_to(stream, unread, "\r\n", line);
    if (there && line == "QUIT") {
        const std::string_view bye{"221 2.0.0 bye\r\n"};
        static_cast<void>(co_await stream.write(bye, patience));
    } else if (there) {
        peer.problems_.push_back("'" + line + "' after the script's end");
    }
}

}  // namespace siding::test

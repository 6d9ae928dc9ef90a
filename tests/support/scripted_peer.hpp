// A server that plays a script: for each connection a list of what it waits for and what it says.
// Lives on the test's own loop, so that a hook may look at the store between two octets.
#pragma once

#include "net/acceptor.hpp"
#include "net/task_group.hpp"
#include "net/tls_server.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace siding::test {

// Waits for a line that starts with `expect` (nothing: for nothing), then gives the answer.
// ".": for a message up to its terminator. "BDAT…": for the chunk's octets too, a message each.
struct Turn {
    std::string expect;
    std::string answer;  // a reply without its last CRLF, or one of these below
};
inline const std::string drop = "!drop";        // closes at once
inline const std::string hang = "!hang";        // says nothing any more, until the client is gone
inline const std::string silence = "!silence";  // no answer, and goes on
inline const std::string start_tls = "!tls";    // "220", then the handshake

using Script = std::vector<Turn>;

// Greeting and EHLO; `keywords` are what is offered.
Script hello(const std::vector<std::string>& keywords = {});
// A message that is taken, for one recipient.
Script takes_message();
Script operator+(Script first, const Script& then);

class ScriptedPeer {
public:
    explicit ScriptedPeer(net::asio::any_io_executor executor);

    std::uint16_t port() const { return port_; }

    // For the turns that start TLS.
    void set_tls(std::shared_ptr<net::TlsServer> tls) { tls_ = std::move(tls); }
    std::size_t handshakes() const { return handshakes_; }  // that went well

    // The next connection's script. After its last turn the peer waits for QUIT or the end.
    void expect(Script script) { scripts_.push_back(std::move(script)); }

    // Ends everything; run it before the peer dies.
    net::awaitable<void> stop();

    // Called with each command before it is answered, "." for a message.
    std::function<void(std::string_view line)> on_line;

    std::size_t connections() const { return connections_; }
    std::size_t open() const { return open_; }
    // Each message as it was on the wire, with dots stuffed, without its terminator.
    const std::vector<std::string>& messages() const { return messages_; }
    // Octets of a message that never got its terminator.
    const std::vector<std::string>& fragments() const { return fragments_; }
    const std::vector<std::string>& lines() const { return lines_; }
    // What did not go by the script.
    const std::vector<std::string>& problems() const { return problems_; }
    bool is_done() const { return scripts_.empty() && open_ == 0; }

private:
    static net::awaitable<void> serve(net::Acceptor acceptor, ScriptedPeer& peer);
    static net::awaitable<void> play(net::Stream stream, Script script, ScriptedPeer& peer);
    static net::awaitable<bool> hear(
        net::Stream& stream, std::string& unread, const Turn& turn, ScriptedPeer& peer
    );
    static net::awaitable<bool> answer(
        net::Stream& stream, std::string& unread, const Turn& turn, ScriptedPeer& peer
    );
    static net::awaitable<void> play_out(
        net::Stream& stream, std::string& unread, ScriptedPeer& peer
    );

    net::TaskGroup tasks_;
    std::uint16_t port_ = 0;
    std::shared_ptr<net::TlsServer> tls_;
    std::size_t handshakes_ = 0;
    std::deque<Script> scripts_;
    std::size_t connections_ = 0;
    std::size_t open_ = 0;
    std::vector<std::string> messages_;
    std::vector<std::string> fragments_;
    std::vector<std::string> lines_;
    std::vector<std::string> problems_;
};

}  // namespace siding::test

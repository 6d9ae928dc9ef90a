// The inside of a Stream, for its two source files only.
#pragma once

#include "net/deadline.hpp"
#include "net/stream.hpp"
#include "net/tls_engine.hpp"

#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>

#include <array>
#include <memory>
#include <string>

namespace siding::net {

using StreamSocket = asio::generic::stream_protocol::socket;

inline bool is_stopped(asio::cancellation_type received, OnCancel on_cancel) {
    const auto terminal = received & asio::cancellation_type::terminal;
    return on_cancel == OnCancel::stop ? received != asio::cancellation_type::none
                                       : terminal != asio::cancellation_type::none;
}

struct Stream::Body {
    struct Tls {
        explicit Tls(std::unique_ptr<TlsEngine> made) : engine{std::move(made)} {}

        std::unique_ptr<TlsEngine> engine;  // uses the socket's descriptor
        TlsFacts facts;
        bool established = false;
    };

    // For wait_ready; shared with the waits for the socket, which may end after the stream.
    struct Duplex {
        explicit Duplex(const asio::any_io_executor& executor) : event{executor} {}

        asio::steady_timer event;  // cancelled when there is news
        bool is_reading = false;   // a wait for the socket is under way
        bool is_writing = false;
    };

    explicit Body(const asio::any_io_executor& executor)
        : socket{executor}, deadline{executor, [this] { interrupt(); }} {}

    void interrupt() {
        boost::system::error_code ignored;
        socket.cancel(ignored);
    }

    Error failure(const char* what, boost::system::error_code code) const {
        return {code, std::string{what} + " " + peer.text()};
    }

    Error timeout() const { return make_timeout(peer.text()); }

    int descriptor() { return socket.native_handle(); }

    StreamSocket socket;
    Endpoint peer;
    Deadline deadline;  // refers to the socket
    std::unique_ptr<Tls> tls;
    std::shared_ptr<Duplex> duplex;  // made when it is needed
    unsigned reads_in_a_row = 0;     // that did not have to wait

    // Where an idle connection receives to. Most commands fit, so that the buffer of 16 KiB is
    // needed only while there is work.
    std::array<char, 512> first_octets;
};

}  // namespace siding::net

// A connection over TCP or a Unix socket: octets in, octets out, each with a deadline.
//
// One operation at a time, on the executor that it was made with. Every failure is an Error that
// net/network_error.hpp can tell apart; the end of the peer's octets is one too (is_closed).
// TLS goes in here: the socket's two asynchronous calls stand in receive() and send() alone, and an
// ssl::stream over a reference to the same socket can take their place in the middle of a session.
#pragma once

#include "base/result.hpp"
#include "net/asio.hpp"
#include "net/endpoint.hpp"
#include "net/read_buffer.hpp"
#include "net/unique_fd.hpp"

#include <boost/asio/buffer.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

namespace siding::net {

// What TaskGroup::cancel() does to a read; abort() ends any operation.
enum class OnCancel {
    stop,    // between transactions: end now
    finish,  // in the middle of one: go on
};

class Stream {
public:
    // Takes over a connected socket; sets TCP_NODELAY where it is TCP. The peer is given where it
    // is known already.
    static Result<Stream> create(
        asio::any_io_executor executor, UniqueFd socket, std::optional<Endpoint> peer = {}
    );
    ~Stream();
    Stream(Stream&&) noexcept;
    Stream& operator=(Stream&&) noexcept;

    // At least one octet; the room must not be empty.
    awaitable<Result<std::size_t>> read_some(
        std::span<char> room, std::chrono::milliseconds timeout, OnCancel on_cancel = OnCancel::stop
    );

    // read_some into the buffer's room.
    awaitable<Result<void>> fill(
        ReadBuffer& buffer, std::chrono::milliseconds timeout, OnCancel on_cancel = OnCancel::stop
    );

    // The next line, already there or read; the time is for the whole line, so that nobody can
    // stretch it octet by octet. Errc::limit_exceeded when the peer floods us with a line without
    // end (limits::discarded_line_octets_max over the buffer's life).
    awaitable<Result<ReadBuffer::Line>> read_line(
        ReadBuffer& buffer, std::chrono::milliseconds timeout, OnCancel on_cancel = OnCancel::stop
    );

    // All of it, or an error with an unknown part sent.
    awaitable<Result<void>> write(std::string_view octets, std::chrono::milliseconds timeout);
    awaitable<Result<void>> write(
        std::span<const asio::const_buffer> pieces, std::chrono::milliseconds timeout
    );

    Endpoint local() const;
    const Endpoint& peer() const;
    std::optional<PeerCredentials> peer_credentials() const;  // Unix sockets only

    // Whether octets, the peer's end or an error are waiting: an idle connection that says yes is
    // not to be used again.
    bool has_input() const;

    // Ends our side, lets the peer read our last words, and closes. An immediate close() would
    // reset the connection, and take those words back, while the peer is still sending.
    awaitable<void> finish(std::chrono::milliseconds timeout);

    void close();

private:
    struct Body;
    explicit Stream(std::unique_ptr<Body> body);

    awaitable<Result<std::size_t>> receive(std::span<char> room, OnCancel on_cancel);
    awaitable<Result<void>> send(std::span<const asio::const_buffer> pieces);

    std::unique_ptr<Body> body_;
};

}  // namespace siding::net

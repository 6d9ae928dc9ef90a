// A connection over TCP or a Unix socket: octets in, octets out, each with a deadline.
//
// One operation at a time, on the executor that it was made with; who reads and writes at once does
// both without waiting (write_now, read_now) and waits for either (wait_ready). A failure is an
// Error that net/network_error.hpp can tell apart; the end of the peer's octets is one too
// (is_closed). start_tls() puts TLS on it in the middle of a session. All waits are waits for the
// bare socket, so deadlines and cancellation are the same with TLS, and an interrupted read loses
// no octet.
#pragma once

#include "base/result.hpp"
#include "net/asio.hpp"
#include "net/endpoint.hpp"
#include "net/read_buffer.hpp"
#include "net/tls_facts.hpp"
#include "net/unique_fd.hpp"

#include <boost/asio/buffer.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace siding::net {

// What TaskGroup::cancel() does to a read; abort() ends any operation.
enum class OnCancel {
    stop,    // between transactions: end now
    finish,  // in the middle of one: go on
};

class TlsClient;
class TlsEngine;
class TlsServer;

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
    // stretch it octet by octet. An empty buffer holds no memory while we wait.
    // Errc::limit_exceeded when the peer floods us with a line without end
    // (limits::discarded_line_octets_max over the buffer's life).
    awaitable<Result<ReadBuffer::Line>> read_line(
        ReadBuffer& buffer, std::chrono::milliseconds timeout, OnCancel on_cancel = OnCancel::stop
    );

    // Until read_some would give octets, the end or an error without waiting. Holds no buffer.
    awaitable<Result<void>> wait_input(
        std::chrono::milliseconds timeout, OnCancel on_cancel = OnCancel::stop
    );

    // As read_some, but the octets are there to be read again. Not with TLS.
    awaitable<Result<std::size_t>> peek(std::span<char> room, std::chrono::milliseconds timeout);

    // All of it, or an error with an unknown part sent.
    awaitable<Result<void>> write(std::string_view octets, std::chrono::milliseconds timeout);
    awaitable<Result<void>> write(
        std::span<const asio::const_buffer> pieces, std::chrono::milliseconds timeout
    );

    // What can be done without waiting, maybe nothing (0). For read_now the peer's end is an error.
    Result<std::size_t> write_now(std::string_view octets);
    Result<std::size_t> read_now(std::span<char> room);
    // Until read_now, or where it is wanted write_now, may get further; or wake() is called; or
    // for no reason. An error is is_timeout() or is_cancelled().
    awaitable<Result<void>> wait_ready(
        bool wants_write, std::chrono::milliseconds timeout, OnCancel on_cancel = OnCancel::stop
    );
    void wake();
    // Tells the peer now that its octets are here (TCP_QUICKACK), until the system thinks
    // otherwise: one that writes little by little would wait for that (Nagle), 40 ms each time.
    void acknowledge_at_once();

    // The handshake, all of it in the time given. What the peer sent before it must have been read:
    // octets in a ReadBuffer of the caller's are plain text that anybody may have put there, and
    // the caller throws them away or refuses. After an error only close() and finish() make sense;
    // is_timeout, is_closed, is_cancelled, or is_tls_failure with OpenSSL's reason.
    awaitable<Result<void>> start_tls(
        std::shared_ptr<TlsServer> server, std::chrono::milliseconds timeout
    );
    awaitable<Result<void>> start_tls(
        std::shared_ptr<TlsClient> client, std::chrono::milliseconds timeout
    );
    bool is_tls() const;
    const TlsFacts& tls() const;  // only when is_tls()
    // The certificates that the peer has shown, its own first, as DER; only when is_tls().
    std::vector<std::string> peer_chain() const;

    Endpoint local() const;
    const Endpoint& peer() const;
    // The real client, as a trusted peer has shown it (PROXY, XCLIENT).
    void set_peer(Endpoint peer);
    std::optional<PeerCredentials> peer_credentials() const;  // Unix sockets only

    // Whether octets, the peer's end or an error are waiting: an idle connection that says yes is
    // not to be used again.
    bool has_input() const;

    // Ends our side (with TLS: close_notify), lets the peer read our last words, and closes. An
    // immediate close() would reset the connection, and take those words back, while the peer is
    // still sending.
    awaitable<void> finish(std::chrono::milliseconds timeout);

    void close();

private:
    struct Body;
    explicit Stream(std::unique_ptr<Body> body);

    awaitable<Result<void>> wait_readable(OnCancel on_cancel);
    awaitable<Result<void>> wait_writable();
    awaitable<Result<void>> wait_until_input(OnCancel on_cancel);
    awaitable<Result<std::size_t>> peek(std::span<char> room);
    std::span<char> room_for(ReadBuffer& buffer);
    void keep(ReadBuffer& buffer, std::span<const char> room, std::size_t count);
    std::size_t receive_ready(std::span<char> room);
    awaitable<Result<std::size_t>> receive(std::span<char> room, OnCancel on_cancel);
    awaitable<Result<std::size_t>> receive_plain(std::span<char> room);
    awaitable<Result<std::size_t>> receive_deaf(std::span<char> room);
    awaitable<Result<std::size_t>> receive_tls(std::span<char> room, OnCancel on_cancel);
    awaitable<Result<void>> send(std::span<const asio::const_buffer> pieces);
    awaitable<Result<void>> send_tls(std::span<const asio::const_buffer> pieces);
    awaitable<Result<void>> send_record(std::string_view octets);
    awaitable<Result<void>> shake_hands();
    awaitable<Result<void>> start_tls(
        std::unique_ptr<TlsEngine> engine, std::chrono::milliseconds timeout
    );

    std::unique_ptr<Body> body_;
};

}  // namespace siding::net

#include "net/stream.hpp"

#include "base/check.hpp"
#include "base/limits.hpp"
#include "net/deadline.hpp"
#include "net/network_error.hpp"

#include <boost/asio/completion_condition.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>

#include <array>
#include <cerrno>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <utility>

namespace siding::net {
namespace {

using Socket = asio::generic::stream_protocol::socket;
using boost::system::error_code;

// What finish() throws away at most while it waits for the peer to notice.
constexpr std::size_t finish_octets_max = 256 * 1024;

bool obeys(asio::cancellation_type received, OnCancel on_cancel) {
    const auto terminal = received & asio::cancellation_type::terminal;
    return on_cancel == OnCancel::stop ? received != asio::cancellation_type::none
                                       : terminal != asio::cancellation_type::none;
}

int family_of(int socket) {
    int family = AF_UNSPEC;
    socklen_t size = sizeof family;
    ::getsockopt(socket, SOL_SOCKET, SO_DOMAIN, &family, &size);
    return family;
}

void send_without_delay(int socket) {
    const int on = 1;
    ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

}  // namespace

struct Stream::Body {
    explicit Body(const asio::any_io_executor& executor)
        : socket{executor}, deadline{executor, [this] { interrupt(); }} {}

    void interrupt() {
        error_code ignored;
        socket.cancel(ignored);
    }

    Error failure(const char* what, error_code code) const {
        return {code, std::string{what} + " " + peer.text()};
    }

    Error timeout() const { return make_timeout(peer.text()); }

    int descriptor() { return socket.native_handle(); }

    Socket socket;
    Endpoint peer;
    Deadline deadline;  // refers to the socket
};

Stream::Stream(std::unique_ptr<Body> body) : body_{std::move(body)} {}
Stream::~Stream() = default;
Stream::Stream(Stream&&) noexcept = default;
Stream& Stream::operator=(Stream&&) noexcept = default;

Result<Stream> Stream::create(
    asio::any_io_executor executor, UniqueFd socket, std::optional<Endpoint> peer
) {
    auto body = std::make_unique<Body>(executor);
    body->peer = peer ? std::move(*peer) : peer_endpoint_of(socket.get());
    const int family = family_of(socket.get());
    const bool is_tcp = family == AF_INET || family == AF_INET6;
    if (is_tcp) {
        send_without_delay(socket.get());
    }
    error_code code;
    const asio::generic::stream_protocol protocol{family, is_tcp ? int{IPPROTO_TCP} : 0};
    body->socket.assign(protocol, socket.get(), code);
    if (code) {
        return Error{code, "cannot use the connection of " + body->peer.text()};
    }
    socket.release();
    return Stream{std::move(body)};
}

awaitable<Result<std::size_t>> Stream::receive(std::span<char> room, OnCancel on_cancel) {
    SIDING_CHECK(!room.empty(), "a read needs room");
    const auto state = co_await asio::this_coro::cancellation_state;
    if (obeys(state.cancelled(), on_cancel)) {
        co_return make_cancelled(body_->peer.text());
    }
    const auto target = asio::buffer(room.data(), room.size());
    error_code code;
    std::size_t count = 0;
    if (on_cancel == OnCancel::stop) {
        std::tie(code, count) = co_await body_->socket.async_read_some(target, use_result);
    } else {
        // A composed operation does not hear the kind of cancellation that cancel() emits.
        const auto one_octet = asio::transfer_at_least(1);
        std::tie(code, count) =
            co_await asio::async_read(body_->socket, target, one_octet, use_result);
    }
    if (count == 0 && code) {
        co_return body_->failure("reading from", code);
    }
    co_return count;
}

awaitable<Result<void>> Stream::send(std::span<const asio::const_buffer> pieces) {
    // Composed, so deaf to cancel() as above: what we have begun to say is said.
    const auto [code, count] = co_await asio::async_write(body_->socket, pieces, use_result);
    if (code) {
        co_return body_->failure("writing to", code);
    }
    co_return Result<void>{};
}

awaitable<Result<std::size_t>> Stream::read_some(
    std::span<char> room, std::chrono::milliseconds timeout, OnCancel on_cancel
) {
    body_->deadline.arm(timeout);
    auto result = co_await receive(room, on_cancel);
    const bool expired = body_->deadline.disarm();
    if (expired && result.has_error()) {
        co_return body_->timeout();
    }
    co_return result;
}

awaitable<Result<void>> Stream::fill(
    ReadBuffer& buffer, std::chrono::milliseconds timeout, OnCancel on_cancel
) {
    auto count = co_await read_some(buffer.room(), timeout, on_cancel);
    if (count.has_error()) {
        co_return std::move(count).error();
    }
    buffer.commit(*count);
    co_return Result<void>{};
}

awaitable<Result<ReadBuffer::Line>> Stream::read_line(
    ReadBuffer& buffer, std::chrono::milliseconds timeout, OnCancel on_cancel
) {
    if (const auto line = buffer.next_line()) {
        co_return *line;
    }
    body_->deadline.arm(timeout);
    Result<ReadBuffer::Line> result = Error{Errc::internal, "no line yet"};
    for (bool reading = true; reading;) {
        auto count = co_await receive(buffer.room(), on_cancel);
        if (count.has_error()) {
            result = std::move(count).error();
            break;
        }
        buffer.commit(*count);
        if (const auto line = buffer.next_line()) {
            result = *line;
            reading = false;
        } else if (buffer.discarded_octets() > limits::discarded_line_octets_max) {
            result = Error{Errc::limit_exceeded, body_->peer.text() + " sends a line without end"};
            reading = false;
        }
    }
    const bool expired = body_->deadline.disarm();
    if (expired && result.has_error()) {
        co_return body_->timeout();
    }
    co_return result;
}

awaitable<Result<void>> Stream::write(std::string_view octets, std::chrono::milliseconds timeout) {
    const std::array pieces{asio::const_buffer{octets.data(), octets.size()}};
    const std::span<const asio::const_buffer> view{pieces};
    auto result = co_await write(view, timeout);
    co_return result;
}

awaitable<Result<void>> Stream::write(
    std::span<const asio::const_buffer> pieces, std::chrono::milliseconds timeout
) {
    body_->deadline.arm(timeout);
    auto result = co_await send(pieces);
    const bool expired = body_->deadline.disarm();
    if (expired && result.has_error()) {
        co_return body_->timeout();
    }
    co_return result;
}

Endpoint Stream::local() const {
    return local_endpoint_of(body_->descriptor());
}

const Endpoint& Stream::peer() const {
    return body_->peer;
}

std::optional<PeerCredentials> Stream::peer_credentials() const {
    return body_->peer.family == Family::local ? credentials_of(body_->descriptor()) : std::nullopt;
}

bool Stream::has_input() const {
    char octet = 0;
    const auto count = ::recv(body_->descriptor(), &octet, 1, MSG_PEEK | MSG_DONTWAIT);
    return count >= 0 || (errno != EAGAIN && errno != EWOULDBLOCK);
}

awaitable<void> Stream::finish(std::chrono::milliseconds timeout) {
    error_code code;
    body_->socket.shutdown(Socket::shutdown_send, code);
    std::array<char, 4096> waste;
    body_->deadline.arm(timeout);
    for (std::size_t total = 0; !code && total < finish_octets_max;) {
        const auto count = co_await receive(waste, OnCancel::finish);
        if (count.has_error()) {
            break;
        }
        total += *count;
    }
    body_->deadline.disarm();
    close();
}

void Stream::close() {
    error_code ignored;
    body_->socket.close(ignored);
}

}  // namespace siding::net

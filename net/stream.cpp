#include "net/stream.hpp"

#include "base/check.hpp"
#include "base/limits.hpp"
#include "net/network_error.hpp"
#include "net/stream_body.hpp"

#include <boost/asio/completion_condition.hpp>
#include <boost/asio/compose.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <utility>

namespace siding::net {
namespace {

using boost::system::error_code;

// What finish() throws away at most while it waits for the peer to notice.
constexpr std::size_t finish_octets_max = 256 * 1024;

// A composed operation hears abort() but not the kind of cancellation that cancel() emits.
awaitable<error_code> wait_deaf(StreamSocket& socket, StreamSocket::wait_type event) {
    auto token = use_result;
    auto wait = [&socket, event, waiting = false](auto& self, error_code code = {}) mutable {
        if (waiting) {
            self.complete(code);
            return;
        }
        waiting = true;
        socket.async_wait(event, std::move(self));
    };
    const auto [code] = co_await asio::async_compose<decltype(token), void(error_code)>(
        std::move(wait), token, socket
    );
    co_return code;
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

void Stream::acknowledge_at_once() {
    const int on = 1;
    ::setsockopt(body_->socket.native_handle(), IPPROTO_TCP, TCP_QUICKACK, &on, sizeof on);
}

awaitable<Result<void>> Stream::wait_readable(OnCancel on_cancel) {
    const auto state = co_await asio::this_coro::cancellation_state;
    if (is_stopped(state.cancelled(), on_cancel)) {
        co_return make_cancelled(body_->peer.text());
    }
    error_code code;
    if (on_cancel == OnCancel::stop) {
        std::tie(code) = co_await body_->socket.async_wait(StreamSocket::wait_read, use_result);
    } else {
        code = co_await wait_deaf(body_->socket, StreamSocket::wait_read);
    }
    if (code) {
        co_return body_->failure("reading from", code);
    }
    co_return Result<void>{};
}

awaitable<Result<void>> Stream::wait_writable() {
    const auto state = co_await asio::this_coro::cancellation_state;
    if (is_stopped(state.cancelled(), OnCancel::finish)) {
        co_return make_cancelled(body_->peer.text());
    }
    const error_code code = co_await wait_deaf(body_->socket, StreamSocket::wait_write);
    if (code) {
        co_return body_->failure("writing to", code);
    }
    co_return Result<void>{};
}

// No coroutine: the frames of waiting reads are most of what an idle connection costs.
awaitable<Result<std::size_t>> Stream::receive(std::span<char> room, OnCancel on_cancel) {
    SIDING_CHECK(!room.empty(), "a read needs room");
    if (body_->tls) {
        return receive_tls(room, on_cancel);
    }
    return on_cancel == OnCancel::stop ? receive_plain(room) : receive_deaf(room);
}

awaitable<Result<std::size_t>> Stream::receive_plain(std::span<char> room) {
    const auto state = co_await asio::this_coro::cancellation_state;
    if (is_stopped(state.cancelled(), OnCancel::stop)) {
        co_return make_cancelled(body_->peer.text());
    }
    const auto target = asio::buffer(room.data(), room.size());
    const auto [code, count] = co_await body_->socket.async_read_some(target, use_result);
    if (count == 0 && code) {
        co_return body_->failure("reading from", code);
    }
    co_return count;
}

awaitable<Result<std::size_t>> Stream::receive_deaf(std::span<char> room) {
    const auto state = co_await asio::this_coro::cancellation_state;
    if (is_stopped(state.cancelled(), OnCancel::finish)) {
        co_return make_cancelled(body_->peer.text());
    }
    const auto target = asio::buffer(room.data(), room.size());
    // A composed operation does not hear the kind of cancellation that cancel() emits.
    const auto one_octet = asio::transfer_at_least(1);
    const auto [code, count] =
        co_await asio::async_read(body_->socket, target, one_octet, use_result);
    if (count == 0 && code) {
        co_return body_->failure("reading from", code);
    }
    co_return count;
}

awaitable<Result<void>> Stream::send(std::span<const asio::const_buffer> pieces) {
    if (body_->tls) {
        co_return co_await send_tls(pieces);
    }
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

std::span<char> Stream::room_for(ReadBuffer& buffer) {
    if (!buffer.empty()) {
        return buffer.room();
    }
    buffer.release();
    const auto size = std::min(body_->first_octets.size(), buffer.capacity());
    return std::span{body_->first_octets}.first(size);
}

void Stream::keep(ReadBuffer& buffer, std::span<const char> room, std::size_t count) {
    if (!buffer.empty()) {
        buffer.commit(count);
        return;
    }
    std::copy_n(room.begin(), count, buffer.room().begin());
    buffer.commit(count);
    if (count == room.size() && !buffer.room().empty()) {
        buffer.commit(receive_ready(buffer.room()));
    }
}

std::size_t Stream::receive_ready(std::span<char> room) {
    if (body_->tls) {
        std::size_t octets = 0;
        const auto status = body_->tls->engine->read(room, octets);
        return status == TlsEngine::Status::done ? octets : 0;
    }
    const auto count = ::recv(body_->descriptor(), room.data(), room.size(), MSG_DONTWAIT);
    return count > 0 ? static_cast<std::size_t>(count) : 0;
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
        const std::span<char> room = room_for(buffer);
        auto count = co_await receive(room, on_cancel);
        if (count.has_error()) {
            result = std::move(count).error();
            break;
        }
        keep(buffer, room, *count);
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

awaitable<Result<void>> Stream::wait_input(std::chrono::milliseconds timeout, OnCancel on_cancel) {
    body_->deadline.arm(timeout);
    auto result = co_await wait_until_input(on_cancel);
    const bool expired = body_->deadline.disarm();
    if (expired && result.has_error()) {
        co_return body_->timeout();
    }
    co_return result;
}

awaitable<Result<void>> Stream::wait_until_input(OnCancel on_cancel) {
    const auto state = co_await asio::this_coro::cancellation_state;
    if (is_stopped(state.cancelled(), on_cancel)) {
        co_return make_cancelled(body_->peer.text());
    }
    while (!has_input()) {
        // TLS may have to answer before it can go on reading (RFC 8446 §4.6.3).
        const bool must_write =
            body_->tls && body_->tls->engine->peek() == TlsEngine::Status::want_write;
        auto ready = must_write ? wait_writable() : wait_readable(on_cancel);
        auto result = co_await std::move(ready);
        SIDING_CO_TRY(std::move(result));
    }
    co_return Result<void>{};
}

awaitable<Result<std::size_t>> Stream::peek(
    std::span<char> room, std::chrono::milliseconds timeout
) {
    SIDING_CHECK(!room.empty() && !body_->tls, "a look at plain octets needs room");
    body_->deadline.arm(timeout);
    auto result = co_await peek(room);
    const bool expired = body_->deadline.disarm();
    if (expired && result.has_error()) {
        co_return body_->timeout();
    }
    co_return result;
}

awaitable<Result<std::size_t>> Stream::peek(std::span<char> room) {
    while (true) {
        const auto count =
            ::recv(body_->descriptor(), room.data(), room.size(), MSG_PEEK | MSG_DONTWAIT);
        if (count > 0) {
            co_return static_cast<std::size_t>(count);
        }
        if (count == 0) {
            co_return body_->failure("reading from", asio::error::eof);
        }
        if (errno != EAGAIN && errno != EWOULDBLOCK) {
            co_return make_system_error("reading from " + body_->peer.text());
        }
        auto ready = co_await wait_readable(OnCancel::stop);
        SIDING_CO_TRY(std::move(ready));
    }
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

void Stream::set_peer(Endpoint peer) {
    body_->peer = std::move(peer);
}

std::optional<PeerCredentials> Stream::peer_credentials() const {
    return body_->peer.family == Family::local ? credentials_of(body_->descriptor()) : std::nullopt;
}

bool Stream::has_input() const {
    if (body_->tls) {
        const auto status = body_->tls->engine->peek();
        return status == TlsEngine::Status::done || status == TlsEngine::Status::failed;
    }
    char octet = 0;
    const auto count = ::recv(body_->descriptor(), &octet, 1, MSG_PEEK | MSG_DONTWAIT);
    return count >= 0 || (errno != EAGAIN && errno != EWOULDBLOCK);
}

awaitable<void> Stream::finish(std::chrono::milliseconds timeout) {
    if (body_->tls) {
        body_->tls->engine->send_close_notify();
    }
    error_code code;
    body_->socket.shutdown(StreamSocket::shutdown_send, code);
    body_->deadline.arm(timeout);
    for (std::size_t total = 0; !code && total < finish_octets_max;) {
        // What still comes is thrown away, so nobody needs to decrypt it.
        const auto count = co_await receive_deaf(body_->first_octets);
        if (count.has_error()) {
            break;
        }
        total += *count;
    }
    body_->deadline.disarm();
    close();
}

void Stream::close() {
    if (body_->tls) {
        body_->tls->engine->close();
    }
    error_code ignored;
    body_->socket.close(ignored);
}

}  // namespace siding::net

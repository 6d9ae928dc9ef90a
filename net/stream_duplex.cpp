// Reading and writing at the same time: by one coroutine, without waiting, and a wait for either.
#include "base/check.hpp"
#include "net/network_error.hpp"
#include "net/stream.hpp"
#include "net/stream_body.hpp"

#include <cerrno>
#include <sys/socket.h>

namespace siding::net {
namespace {

using Status = TlsEngine::Status;

bool is_try_again(int error) {
    return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

}  // namespace

Result<std::size_t> Stream::write_now(std::string_view octets) {
    std::size_t total = 0;
    while (!octets.empty()) {
        std::size_t count = 0;
        if (body_->tls) {
            const Status status = body_->tls->engine->write(octets, count);
            if (status == Status::failed) {
                return body_->failure("writing to", body_->tls->engine->failure());
            }
            if (status != Status::done) {
                break;
            }
        } else {
            const auto sent = ::send(
                body_->descriptor(), octets.data(), octets.size(), MSG_NOSIGNAL | MSG_DONTWAIT
            );
            if (sent < 0 && is_try_again(errno)) {
                break;
            }
            if (sent < 0) {
                return make_system_error("writing to " + body_->peer.text());
            }
            count = static_cast<std::size_t>(sent);
        }
        octets.remove_prefix(count);
        total += count;
    }
    return total;
}

Result<std::size_t> Stream::read_now(std::span<char> room) {
    SIDING_CHECK(!room.empty(), "a read needs room");
    if (body_->tls) {
        std::size_t count = 0;
        const Status status = body_->tls->engine->read(room, count);
        if (status == Status::failed) {
            return body_->failure("reading from", body_->tls->engine->failure());
        }
        return status == Status::done ? count : 0;
    }
    const auto count = ::recv(body_->descriptor(), room.data(), room.size(), MSG_DONTWAIT);
    if (count == 0) {
        return body_->failure("reading from", asio::error::eof);
    }
    if (count < 0 && !is_try_again(errno)) {
        return make_system_error("reading from " + body_->peer.text());
    }
    return count < 0 ? 0 : static_cast<std::size_t>(count);
}

// The waits for the socket stay under way over several calls, so that each costs one system call at
// most; they hear neither cancel() nor abort(), but the timer does.
awaitable<Result<void>> Stream::wait_ready(
    bool wants_write, std::chrono::milliseconds timeout, OnCancel on_cancel
) {
    const auto before = co_await asio::this_coro::cancellation_state;
    if (is_stopped(before.cancelled(), on_cancel)) {
        co_return make_cancelled(body_->peer.text());
    }
    if (!body_->duplex) {
        body_->duplex = std::make_shared<Body::Duplex>(body_->socket.get_executor());
    }
    const std::shared_ptr<Body::Duplex> duplex = body_->duplex;
    bool must_write = false;
    if (body_->tls) {
        // What is there by now is in OpenSSL's hands after this look, and the socket would tell
        // nobody of it any more.
        const Status seen = body_->tls->engine->peek();
        if (seen == Status::done || seen == Status::failed) {
            co_return Result<void>{};
        }
        must_write = seen == Status::want_write;  // before it can go on reading (RFC 8446 §4.6.3)
    }
    if (!duplex->is_reading) {
        duplex->is_reading = true;
        body_->socket.async_wait(StreamSocket::wait_read, [duplex](boost::system::error_code) {
            duplex->is_reading = false;
            duplex->event.cancel();
        });
    }
    if ((wants_write || must_write) && !duplex->is_writing) {
        duplex->is_writing = true;
        body_->socket.async_wait(StreamSocket::wait_write, [duplex](boost::system::error_code) {
            duplex->is_writing = false;
            duplex->event.cancel();
        });
    }
    duplex->event.expires_after(timeout);
    const auto [code] = co_await duplex->event.async_wait(use_result);
    const auto after = co_await asio::this_coro::cancellation_state;
    if (is_stopped(after.cancelled(), on_cancel)) {
        co_return make_cancelled(body_->peer.text());
    }
    if (!code) {
        co_return body_->timeout();
    }
    co_return Result<void>{};
}

void Stream::wake() {
    if (body_->duplex) {
        body_->duplex->event.cancel();
    }
}

}  // namespace siding::net

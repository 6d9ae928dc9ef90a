// TLS on a Stream: what the engine cannot do at once, the socket is waited for.
#include "base/check.hpp"
#include "net/network_error.hpp"
#include "net/stream.hpp"
#include "net/stream_body.hpp"
#include "net/tls.hpp"

#include <boost/asio/post.hpp>

#include <algorithm>
#include <string>
#include <utility>

namespace siding::net {
namespace {

using Status = TlsEngine::Status;

constexpr std::size_t record_octets_max = 16 * 1024;  // RFC 8446 §5.1

// Reads that need not wait do not pass through the event loop; after so many of them the other
// connections of the thread get their turn.
constexpr unsigned reads_in_a_row_max = 16;

}  // namespace

awaitable<Result<void>> Stream::start_tls(
    std::shared_ptr<TlsServer> server, std::chrono::milliseconds timeout
) {
    auto opened = server->open(body_->descriptor());
    SIDING_CO_ASSIGN(auto engine, std::move(opened));
    auto result = co_await start_tls(std::move(engine), timeout);
    co_return result;
}

awaitable<Result<void>> Stream::start_tls(
    std::shared_ptr<TlsClient> client, std::chrono::milliseconds timeout
) {
    auto opened = client->open(body_->descriptor());
    SIDING_CO_ASSIGN(auto engine, std::move(opened));
    auto result = co_await start_tls(std::move(engine), timeout);
    co_return result;
}

awaitable<Result<void>> Stream::start_tls(
    std::unique_ptr<TlsEngine> engine, std::chrono::milliseconds timeout
) {
    SIDING_CHECK(!body_->tls, "TLS inside TLS");
    body_->tls = std::make_unique<Body::Tls>(std::move(engine));
    body_->deadline.arm(timeout);
    auto result = co_await shake_hands();
    const bool expired = body_->deadline.disarm();
    if (expired && result.has_error()) {
        co_return make_timeout("TLS handshake with " + body_->peer.text());
    }
    if (result.has_error()) {
        co_return result;
    }
    body_->tls->facts = body_->tls->engine->facts();
    body_->tls->established = true;
    co_return result;
}

awaitable<Result<void>> Stream::shake_hands() {
    TlsEngine& engine = *body_->tls->engine;
    while (true) {
        switch (engine.shake_hands()) {
        case Status::done:
            co_return Result<void>{};
        case Status::want_read: {
            auto ready = co_await wait_readable(OnCancel::stop);
            SIDING_CO_TRY(std::move(ready));
            break;
        }
        case Status::want_write: {
            auto ready = co_await wait_writable();
            SIDING_CO_TRY(std::move(ready));
            break;
        }
        case Status::failed: {
            Error error = body_->failure("TLS handshake with", engine.failure());
            if (const std::string detail = engine.failure_detail(); !detail.empty()) {
                error.context += " (" + detail + ")";
            }
            co_return error;
        }
        }
    }
}

awaitable<Result<std::size_t>> Stream::receive_tls(std::span<char> room, OnCancel on_cancel) {
    const auto state = co_await asio::this_coro::cancellation_state;
    if (is_stopped(state.cancelled(), on_cancel)) {
        co_return make_cancelled(body_->peer.text());
    }
    TlsEngine& engine = *body_->tls->engine;
    bool waited = false;
    while (true) {
        std::size_t count = 0;
        switch (engine.read(room, count)) {
        case Status::done:
            body_->reads_in_a_row = waited ? 0 : body_->reads_in_a_row + 1;
            if (body_->reads_in_a_row >= reads_in_a_row_max) {
                body_->reads_in_a_row = 0;
                co_await asio::post(body_->socket.get_executor(), asio::use_awaitable);
            }
            co_return count;
        case Status::want_read: {
            auto ready = co_await wait_readable(on_cancel);
            SIDING_CO_TRY(std::move(ready));
            break;
        }
        case Status::want_write: {
            auto ready = co_await wait_writable();
            SIDING_CO_TRY(std::move(ready));
            break;
        }
        case Status::failed:
            co_return body_->failure("reading from", engine.failure());
        }
        waited = true;
    }
}

// Small pieces share a record, long ones are encrypted from where they are.
awaitable<Result<void>> Stream::send_tls(std::span<const asio::const_buffer> pieces) {
    std::string gathered;
    for (const asio::const_buffer& piece : pieces) {
        std::string_view rest{static_cast<const char*>(piece.data()), piece.size()};
        while (!rest.empty()) {
            std::string_view record = rest.substr(0, record_octets_max);
            const bool is_whole = gathered.empty() && record.size() == record_octets_max;
            if (!is_whole) {
                record = rest.substr(0, record_octets_max - gathered.size());
                gathered += record;
            }
            rest.remove_prefix(record.size());
            if (!is_whole && gathered.size() < record_octets_max) {
                continue;
            }
            auto sent = co_await send_record(is_whole ? record : std::string_view{gathered});
            SIDING_CO_TRY(std::move(sent));
            gathered.clear();
        }
    }
    if (gathered.empty()) {
        co_return Result<void>{};
    }
    auto sent = co_await send_record(gathered);
    co_return sent;
}

awaitable<Result<void>> Stream::send_record(std::string_view octets) {
    TlsEngine& engine = *body_->tls->engine;
    while (!octets.empty()) {
        std::size_t count = 0;
        switch (engine.write(octets, count)) {
        case Status::done:
            octets.remove_prefix(count);
            break;
        case Status::want_read: {
            auto ready = co_await wait_readable(OnCancel::finish);
            SIDING_CO_TRY(std::move(ready));
            break;
        }
        case Status::want_write: {
            auto ready = co_await wait_writable();
            SIDING_CO_TRY(std::move(ready));
            break;
        }
        case Status::failed:
            co_return body_->failure("writing to", engine.failure());
        }
    }
    co_return Result<void>{};
}

bool Stream::is_tls() const {
    return body_->tls && body_->tls->established;
}

const TlsFacts& Stream::tls() const {
    SIDING_CHECK(is_tls(), "TLS facts without TLS");
    return body_->tls->facts;
}

std::vector<std::string> Stream::peer_chain() const {
    SIDING_CHECK(is_tls(), "certificates without TLS");
    return body_->tls->engine->peer_chain();
}

}  // namespace siding::net

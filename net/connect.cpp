#include "net/connect.hpp"

#include "net/deadline.hpp"
#include "net/network_error.hpp"

#include <boost/asio/experimental/channel.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>

#include <memory>
#include <optional>
#include <sys/un.h>
#include <utility>
#include <vector>

namespace siding::net {
namespace {

using asio::ip::tcp;
using boost::system::error_code;
using Address = asio::ip::address;
using Addresses = std::vector<tcp::endpoint>;
using Answer = asio::experimental::channel<void(error_code, Addresses)>;

awaitable<Result<Addresses>> receive(std::shared_ptr<Answer> answer, std::string host) {
    auto received = co_await answer->async_receive(use_result);
    auto& [code, addresses] = received;
    if (code) {
        co_return Error{code, "looking up " + host};
    }
    co_return std::move(addresses);
}

// getaddrinfo cannot be interrupted: the channel lets us walk away from it at the deadline.
awaitable<Result<Addresses>> resolve(HostPort target, std::chrono::milliseconds timeout) {
    auto executor = co_await asio::this_coro::executor;
    const auto answer = std::make_shared<Answer>(executor, 1);
    const auto resolver = std::make_shared<tcp::resolver>(executor);
    auto on_resolved = [answer, resolver](error_code code, const auto& found) {
        Addresses addresses;
        for (const auto& entry : found) {
            addresses.push_back(entry.endpoint());
        }
        answer->try_send(code, std::move(addresses));
    };
    const auto flags = tcp::resolver::numeric_service;
    resolver->async_resolve(
        target.host, std::to_string(target.port), flags, std::move(on_resolved)
    );
    auto work = receive(answer, target.host);
    auto result = co_await with_deadline(std::move(work), timeout, "looking up " + target.host);
    co_return result;
}

struct Attempt {
    asio::generic::stream_protocol::endpoint endpoint;
    std::string name;
    std::optional<Address> source;
};

Result<void> prepare(asio::generic::stream_protocol::socket& socket, const Attempt& attempt) {
    error_code code;
    socket.open(attempt.endpoint.protocol(), code);
    if (code) {
        return Error{code, "connecting to " + attempt.name};
    }
    if (attempt.source) {
        socket.bind(tcp::endpoint{*attempt.source, 0}, code);
        if (code) {
            return Error{code, "source address " + attempt.source->to_string()};
        }
    }
    return {};
}

awaitable<Result<Stream>> try_one(Attempt attempt, std::chrono::milliseconds timeout) {
    auto executor = co_await asio::this_coro::executor;
    const auto state = co_await asio::this_coro::cancellation_state;
    if (state.cancelled() != asio::cancellation_type::none) {
        co_return make_cancelled("connecting to " + attempt.name);
    }
    asio::generic::stream_protocol::socket socket{executor};
    SIDING_CO_TRY(prepare(socket, attempt));
    const auto interrupt = [&socket] {
        error_code ignored;
        socket.cancel(ignored);
    };
    Deadline deadline{executor, interrupt};
    deadline.arm(timeout);
    const auto [code] = co_await socket.async_connect(attempt.endpoint, use_result);
    const bool expired = deadline.disarm();
    if (code && expired) {
        co_return make_timeout("connecting to " + attempt.name);
    }
    if (code) {
        co_return Error{code, "connecting to " + attempt.name};
    }
    error_code release_code;
    UniqueFd descriptor{socket.release(release_code)};
    co_return Stream::create(executor, std::move(descriptor));
}

Result<std::optional<Address>> parse_source(const std::string& text) {
    if (text.empty()) {
        return std::optional<Address>{};
    }
    error_code code;
    const Address address = asio::ip::make_address(text, code);
    if (code) {
        return Error{Errc::invalid_argument, "source address \"" + text + "\" is no IP address"};
    }
    return std::optional{address};
}

}  // namespace

awaitable<Result<Stream>> connect(HostPort target, ConnectOptions options) {
    SIDING_CO_ASSIGN(const auto source, parse_source(options.source_address));
    Addresses addresses;
    error_code code;
    const Address literal = asio::ip::make_address(target.host, code);
    if (code) {
        auto resolved = co_await resolve(target, options.timeout);
        SIDING_CO_ASSIGN(addresses, std::move(resolved));
    } else {
        addresses.emplace_back(literal, target.port);
    }
    Result<Stream> result =
        Error{Errc::unavailable, target.text() + " has no address that can be used"};
    for (const tcp::endpoint& endpoint : addresses) {
        if (source && source->is_v6() != endpoint.address().is_v6()) {
            continue;
        }
        const std::string name = make_endpoint(endpoint.data(), endpoint.size()).text();
        Attempt attempt{endpoint, name, source};
        result = co_await try_one(std::move(attempt), options.timeout);
        if (result.has_value() || is_cancelled(result.error())) {
            break;
        }
    }
    co_return result;
}

awaitable<Result<Stream>> connect_unix(std::string path, std::chrono::milliseconds timeout) {
    if (path.size() >= sizeof(sockaddr_un::sun_path)) {
        co_return Error{Errc::invalid_argument, "socket path \"" + path + "\" is too long"};
    }
    const asio::local::stream_protocol::endpoint endpoint{path};
    Attempt attempt{endpoint, "unix:" + path, std::nullopt};
    auto result = co_await try_one(std::move(attempt), timeout);
    co_return result;
}

}  // namespace siding::net

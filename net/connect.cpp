#include "net/connect.hpp"

#include "net/deadline.hpp"
#include "net/network_error.hpp"
#include "net/resolve.hpp"

#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>

#include <optional>
#include <sys/un.h>
#include <utility>
#include <vector>

namespace siding::net {
namespace {

using asio::ip::tcp;
using boost::system::error_code;
using Address = asio::ip::address;

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

Result<std::vector<Address>> parse_sources(const std::vector<std::string>& texts) {
    std::vector<Address> sources;
    for (const std::string& text : texts) {
        error_code code;
        sources.push_back(asio::ip::make_address(text, code));
        if (code) {
            return Error{
                Errc::invalid_argument, "source address \"" + text + "\" is no IP address"};
        }
    }
    return sources;
}

std::optional<Address> source_for(const Address& target, const std::vector<Address>& sources) {
    for (const Address& source : sources) {
        if (source.is_v6() == target.is_v6()) {
            return source;
        }
    }
    return std::nullopt;
}

}  // namespace

awaitable<Result<Stream>> connect(HostPort target, ConnectOptions options) {
    auto resolved = co_await resolve(target, options.timeout);
    SIDING_CO_ASSIGN(auto endpoints, std::move(resolved));
    auto result = co_await connect(std::move(endpoints), std::move(options));
    co_return result;
}

awaitable<Result<Stream>> connect(std::vector<Endpoint> targets, ConnectOptions options) {
    SIDING_CO_ASSIGN(const auto sources, parse_sources(options.source_addresses));
    Result<Stream> result = Error{Errc::unavailable, "no address that can be used"};
    for (const Endpoint& target : targets) {
        error_code code;
        const Address address = asio::ip::make_address(target.address, code);
        if (code) {
            result = Error{Errc::invalid_argument, "\"" + target.address + "\" is no IP address"};
            continue;
        }
        const std::optional<Address> source = source_for(address, sources);
        if (!source && !sources.empty()) {
            if (result.error().is(Errc::unavailable)) {
                result = Error{Errc::unavailable, "no source address to reach " + target.text()};
            }
            continue;
        }
        Attempt attempt{tcp::endpoint{address, target.port}, target.text(), source};
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

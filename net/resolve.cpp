#include "net/resolve.hpp"

#include "net/deadline.hpp"

#include <boost/asio/experimental/channel.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <memory>
#include <string>
#include <utility>

namespace siding::net {
namespace {

using asio::ip::tcp;
using boost::system::error_code;
using Endpoints = std::vector<Endpoint>;
using Answer = asio::experimental::channel<void(error_code, Endpoints)>;

awaitable<Result<Endpoints>> receive(std::shared_ptr<Answer> answer, std::string host) {
    auto received = co_await answer->async_receive(use_result);
    auto& [code, endpoints] = received;
    if (code) {
        co_return Error{code, "looking up " + host};
    }
    if (endpoints.empty()) {
        co_return Error{Errc::not_found, host + " has no address"};
    }
    co_return std::move(endpoints);
}

}  // namespace

// getaddrinfo cannot be interrupted: the channel lets us walk away from it at the deadline.
awaitable<Result<Endpoints>> resolve(HostPort target, std::chrono::milliseconds timeout) {
    error_code code;
    const auto literal = asio::ip::make_address(target.host, code);
    if (!code) {
        const tcp::endpoint known{literal, target.port};
        co_return Endpoints{make_endpoint(known.data(), known.size())};
    }
    auto executor = co_await asio::this_coro::executor;
    const auto answer = std::make_shared<Answer>(executor, 1);
    const auto resolver = std::make_shared<tcp::resolver>(executor);
    auto on_resolved = [answer, resolver](error_code failure, const auto& found) {
        Endpoints endpoints;
        for (const auto& entry : found) {
            const tcp::endpoint endpoint = entry.endpoint();
            endpoints.push_back(make_endpoint(endpoint.data(), endpoint.size()));
        }
        answer->try_send(failure, std::move(endpoints));
    };
    const auto flags = tcp::resolver::numeric_service;
    resolver->async_resolve(
        target.host, std::to_string(target.port), flags, std::move(on_resolved)
    );
    auto work = receive(answer, target.host);
    auto result = co_await with_deadline(std::move(work), timeout, "looking up " + target.host);
    co_return result;
}

}  // namespace siding::net

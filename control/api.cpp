#include "control/api.hpp"

#include "base/bytes.hpp"
#include "base/log.hpp"
#include "control/request.hpp"
#include "control/response.hpp"
#include "control/router.hpp"

#include <fmt/format.h>

namespace siding::control {
namespace {

const Logger logger{"control"};

net::HttpResponse no_such_path(const net::HttpRequest& request) {
    return error_response(
        404,
        "not_found",
        fmt::format("there is no {}; see docs/control-api.md", escape(request.path))
    );
}

net::HttpResponse no_such_method(const net::HttpRequest& request, std::string allow) {
    auto response = error_response(
        405,
        "invalid_argument",
        fmt::format("{} does not take {}, but {}", request.path, escape(request.method), allow)
    );
    response.headers.emplace_back("Allow", std::move(allow));  // RFC 9110 §15.5.6
    return response;
}

net::HttpResponse unauthorized() {
    auto response = error_response(
        401, "unauthorized", "send the token of control.token_file as 'Authorization: Bearer TOKEN'"
    );
    response.headers.emplace_back("WWW-Authenticate", "Bearer");  // RFC 9110 §15.5.2
    return response;
}

}  // namespace

net::awaitable<net::HttpResponse> Api::handle(const net::HttpRequest& request) {
    Match match = find_route(request.method, request.path);
    const bool open = match.route != nullptr && match.route->open;
    if (!open && !access_.allows(request)) {
        logger.warn("control_refused", {{"peer", request.peer}, {"path", request.path}});
        co_return unauthorized();
    }
    if (match.allow.empty()) {
        co_return no_such_path(request);
    }
    if (match.route == nullptr) {
        co_return no_such_method(request, std::move(match.allow));
    }
    const Request routed{request, std::move(match.captures), Access::who(request)};
    auto answer = co_await match.route->handler(services_, routed);
    if (answer.has_value()) {
        co_return std::move(*answer);
    }
    if (status_of(answer.error()) >= 500) {
        logger.warn("control_failed", {{"path", request.path}, {"error", answer.error()}});
    }
    co_return error_response(answer.error());
}

}  // namespace siding::control

// The control API as one handler for net's HTTP servers: access, routing, errors. The same object
// serves the Unix socket and the loopback port, on one executor.
#pragma once

#include "control/access.hpp"
#include "control/services.hpp"
#include "net/asio.hpp"
#include "net/http_message.hpp"

#include <string_view>

namespace siding::control {

class Api {
public:
    // `token` is what TCP clients must present; empty: they get health and metrics only.
    Api(Services services, std::string_view token)
        : services_{std::move(services)}, access_{token} {}

    // `request` must outlive the call, the Api also every response that it gave.
    net::awaitable<net::HttpResponse> handle(const net::HttpRequest& request);

    net::HttpHandler handler() {
        return [this](const net::HttpRequest& request) { return handle(request); };
    }

private:
    Services services_;
    Access access_;
};

}  // namespace siding::control

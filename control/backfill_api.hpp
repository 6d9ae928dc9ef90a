// The control API of siding-backfilld as one handler for net's HTTP servers.
#pragma once

#include "backfill/backfill.hpp"
#include "base/metrics.hpp"
#include "control/access.hpp"
#include "net/asio.hpp"
#include "net/http_message.hpp"

#include <string_view>

namespace siding::control {

class BackfillApi {
public:
    // `token` is what TCP clients must present; empty: they get health and metrics only.
    BackfillApi(backfill::Backfill& backfill, Metrics& metrics, std::string_view token)
        : backfill_{backfill}, metrics_{metrics}, access_{token} {}

    net::awaitable<net::HttpResponse> handle(const net::HttpRequest& request);
    net::HttpHandler handler() {
        return [this](const net::HttpRequest& request) { return handle(request); };
    }

private:
    net::awaitable<Result<net::HttpResponse>> answer(const net::HttpRequest& request);
    net::awaitable<Result<net::HttpResponse>> order(const net::HttpRequest& request);
    net::awaitable<Result<net::HttpResponse>> retry(const net::HttpRequest& request);
    net::awaitable<Result<net::HttpResponse>> give(
        const net::HttpRequest& request, backfill::GivenOrder given, std::vector<std::string> names
    );
    net::awaitable<Result<net::HttpResponse>> change(const net::HttpRequest& request);
    net::awaitable<Result<net::HttpResponse>> report(const net::HttpRequest& request);
    net::awaitable<Result<net::HttpResponse>> plan(const net::HttpRequest& request);
    net::HttpResponse metrics() const;

    backfill::Backfill& backfill_;
    Metrics& metrics_;
    Access access_;
};

}  // namespace siding::control

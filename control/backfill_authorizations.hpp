// The device flow as the control API shows it: begin one, and ask how it stands.
#pragma once

#include "backfill/backfill.hpp"
#include "net/asio.hpp"
#include "net/http_message.hpp"

namespace siding::control {

// POST {"account", "side"}; without a side the only one that has a device endpoint.
net::awaitable<Result<net::HttpResponse>> begin_authorization(
    backfill::Backfill& backfill, const net::HttpRequest& request
);

// GET ?account=…&side=…
Result<net::HttpResponse> show_authorization(
    backfill::Backfill& backfill, const net::HttpRequest& request
);

}  // namespace siding::control

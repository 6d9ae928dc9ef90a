// A filter as the control API's query parameters (docs/control-api.md).
#pragma once

#include "net/http_message.hpp"
#include "queue/filter.hpp"

namespace siding::cli {

net::HttpQuery filter_query(const queue::Filter& filter);

}  // namespace siding::cli

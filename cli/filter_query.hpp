// A filter in the control API's words: as a query string and as a JSON object (docs/control-api.md).
#pragma once

#include "net/http_message.hpp"
#include "queue/filter.hpp"

#include <boost/json/object.hpp>

namespace siding::cli {

boost::json::object filter_json(const queue::Filter& filter);

net::HttpQuery filter_query(const queue::Filter& filter);

// True where no field narrows anything; a limit alone narrows nothing that one could name.
bool is_empty(const queue::Filter& filter);

}  // namespace siding::cli

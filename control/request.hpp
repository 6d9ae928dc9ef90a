// A request that has found its route.
#pragma once

#include "net/http_message.hpp"

#include <string>
#include <vector>

namespace siding::control {

struct Request {
    const net::HttpRequest& http;
    std::vector<std::string> captures;  // the path's {parts}, in order
    std::string who;                    // for the ledger
};

}  // namespace siding::control

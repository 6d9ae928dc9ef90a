// The path table: which handler answers which method on which path.
#pragma once

#include "base/result.hpp"
#include "control/handlers.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace siding::control {

using Handler = Answer (*)(Services&, const Request&);

struct Route {
    std::string_view method;
    std::string_view path;  // "/v1/phases/{domain}": a part in braces captures
    Handler handler;
    bool open = false;  // needs no token
};

struct Match {
    const Route* route = nullptr;  // nothing: no such path, or not this method on it
    std::vector<std::string> captures;
    std::string allow;  // the path's methods, "GET, PUT"; empty where the path is unknown
};

Match find_route(std::string_view method, std::string_view path);

}  // namespace siding::control

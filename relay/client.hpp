// Who is speaking on an inbound connection: the peer itself, or the client that a trusted peer
// (PROXY protocol, XCLIENT) speaks for.
#pragma once

#include "net/endpoint.hpp"

#include <string>
#include <utility>

namespace siding::relay {

struct Client {
    Client() = default;  // no aggregate: net/asio.hpp
    explicit Client(net::Endpoint peer) : endpoint{std::move(peer)} {}

    net::Endpoint endpoint;
    std::string name;           // as XCLIENT gave it; empty if unknown
    std::string proxy_address;  // the peer that named the client; empty if it is the client
};

}  // namespace siding::relay

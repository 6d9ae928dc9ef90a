// What happens to a connection before the greeting: the PROXY header of a trusted balancer, the
// client's place under the limits, implicit TLS, and the look for clients that speak first.
#pragma once

#include "config/config.hpp"
#include "net/stream.hpp"
#include "relay/client.hpp"
#include "relay/client_limits.hpp"
#include "relay/inbound_listener.hpp"
#include "relay/refusal_class.hpp"
#include "smtp/reply.hpp"

#include <optional>
#include <variant>

namespace siding::relay {

// The client may be greeted.
struct Welcome {
    Client client;
    ClientLimits::Seat seat;
    bool spoke_early = false;
};

// It is not to be spoken with, but for this reply if there is one. Its place is taken until the
// connection is closed.
struct TurnedAway {
    RefusalClass reason = RefusalClass::other;
    std::optional<smtp::Reply> reply;
    Client client;
    ClientLimits::Seat seat;
};

// The connection is lost, or was cancelled.
struct Gone {};

using Arrival = std::variant<Welcome, TurnedAway, Gone>;

// `seat`: ClientLimits::connect's, or connect_proxy's where the listener trusts the peer to name
// another client.
net::awaitable<Arrival> arrive(
    net::Stream& stream,
    net::ReadBuffer& buffer,
    ClientLimits::Seat seat,
    const InboundListener& listener,
    ClientLimits& limits,
    const config::Config& config
);

}  // namespace siding::relay

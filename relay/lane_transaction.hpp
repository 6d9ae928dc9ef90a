// A stored envelope and some of its recipients as what a server is told. Pure.
#pragma once

#include "config/config.hpp"
#include "net/endpoint.hpp"
#include "queue/envelope.hpp"
#include "queue/recipient.hpp"
#include "smtp/transaction.hpp"

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace siding::relay {

// The address that mail for this one goes to instead (RemapTable).
using Remapping = std::function<std::optional<std::string>(std::string_view address)>;

struct LaneTransaction {
    smtp::Transaction transaction;
    std::vector<std::string> sent_as;  // by recipient: the other address; empty for its own
};

LaneTransaction make_transaction(
    const queue::Envelope& envelope,
    const std::vector<queue::Recipient>& recipients,
    const config::Server& server,
    const Remapping& remapping
);

// Who gave us the message, for a server with `proxy_protocol`; nothing where that is not known.
std::optional<net::Endpoint> client_of(const queue::Envelope& envelope);

// Mail for a server that calls itself by our name would come back to us; why, or nothing.
std::optional<std::string> check_loop(
    std::string_view hostname, std::string_view greeting, std::string_view server_name
);

}  // namespace siding::relay

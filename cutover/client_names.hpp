// The names of clients that only their addresses are known of, as a mail server takes them: PTR and
// back to the address (RFC 1912 §2.1), else what the client called itself if that has the address.
#pragma once

#include "base/result.hpp"
#include "cutover/recursive_lookup.hpp"
#include "dns/provider.hpp"
#include "net/asio.hpp"

#include <string>

namespace siding::cutover {

// Empty where there is none. Errc::unavailable: no resolver has said.
net::awaitable<Result<std::string>> find_client_name(RecursiveLookup lookup, dns::Client client);

}  // namespace siding::cutover

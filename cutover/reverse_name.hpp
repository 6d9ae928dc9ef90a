// Addresses as names: of the reverse zones, and of block lists (RFC 5782). Pure.
#pragma once

#include <string>
#include <string_view>

namespace siding::cutover {

// "1.2.0.192.in-addr.arpa", nibbles under ip6.arpa; under `zone` where it is not empty. Empty for
// what is no IP address.
std::string reverse_name(std::string_view address, std::string_view zone);

// An address that others may see: not loopback, link-local, private, shared, documentation.
bool is_public_address(std::string_view address);

}  // namespace siding::cutover

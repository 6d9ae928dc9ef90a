// The addresses of this host's network interfaces.
#pragma once

#include <string>
#include <string_view>

namespace siding::net {

// Asks the kernel each time; quick. False for what is no IP address.
bool is_address_of_this_host(std::string_view address);

}  // namespace siding::net

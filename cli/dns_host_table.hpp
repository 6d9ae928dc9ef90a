// The MX hosts of a watched domain for people: their addresses, and until when one that a host has
// given up may still be used.
#pragma once

#include "base/clock.hpp"
#include "cli/terminal.hpp"

#include <boost/json/array.hpp>

namespace siding::cli {

// `hosts`: of a domain's document. Prints nothing where there are none.
void print_dns_hosts(const boost::json::array& hosts, WallTime now, const Terminal& terminal);

}  // namespace siding::cli

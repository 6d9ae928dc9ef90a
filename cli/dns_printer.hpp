// What is known of a domain's move, for people: a table of many, plain words and tables for one.
// Reads the API's documents (docs/control-api.md).
#pragma once

#include "base/clock.hpp"
#include "cli/terminal.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include <string>

namespace siding::cli {

void print_dns_table(const boost::json::array& domains, WallTime now, const Terminal& terminal);
void print_dns_domain(const boost::json::object& domain, WallTime now, const Terminal& terminal);

// "published, converged expected 2026-11-28 14:07:30Z (in 23m)"
std::string dns_verdict_line(const boost::json::object& domain, WallTime now);

}  // namespace siding::cli

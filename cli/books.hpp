// The equation that audit proves, as one line.
#pragma once

#include <boost/json/object.hpp>

#include <cstdint>
#include <string>

namespace siding::cli {

// "accepted 20,012 = held 12 + parked 3 + delivered 19,997"; states without recipients are left
// out, and "+ replayed 2" follows the first number where mail was delivered again. Members:
// accepted (what is missing from the sum without it), replayed, and the states.
std::string format_books(const boost::json::object& counts);

}  // namespace siding::cli

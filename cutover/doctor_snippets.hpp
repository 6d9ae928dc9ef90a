// What an operator pastes at the destination before mail is released to it, so that a relay in
// front is trusted and not punished for the senders of the mail that it brings.
#pragma once

#include "config/config.hpp"

#include <string>
#include <vector>

namespace siding::cutover {

// Commands, or the way through the settings' pages. `addresses` are those that we deliver from.
std::string destination_snippet(
    config::Profile profile, const std::string& domain, const std::vector<std::string>& addresses
);

}  // namespace siding::cutover

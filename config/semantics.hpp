// What single values cannot show: whether they fit together.
#pragma once

#include "config/config.hpp"
#include "config/problems.hpp"

namespace siding::config {

void check_semantics(const Config& config, Problems& problems);

}  // namespace siding::config

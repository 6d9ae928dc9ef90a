// Whether the files that a configuration names can be read. What is in them is the business of
// those who use them.
#pragma once

#include "config/config.hpp"
#include "config/problems.hpp"

namespace siding::config {

void check_files(const Config& config, Problems& problems);

}  // namespace siding::config

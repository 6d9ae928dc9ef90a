// The schema as text for people. The files in the repository are checked against these.
#pragma once

#include <string>

namespace siding::config {

std::string format_reference();  // docs/configuration.md
std::string format_example();    // config/siding.example.yaml

// What a first configuration needs, and no more.
std::string minimal_example();

}  // namespace siding::config

// The effective configuration as a document: every key with its value, and what follows from them
// that no key says: when retries happen, and what each server's profile comes to. Pure.
#pragma once

#include "config/config.hpp"

#include <boost/json/object.hpp>

#include <chrono>
#include <string>
#include <vector>

namespace siding::control {

// docs/control-api.md, GET /v1/config.
boost::json::object config_json(const config::Config& config);

// When a recipient is tried again, counted from its first attempt: one for each wait.
std::vector<std::chrono::milliseconds> retry_times(const config::Retry& retry);

// "1h16m", "90s", "0s"; the two largest units.
std::string span_text(std::chrono::milliseconds span);

}  // namespace siding::control

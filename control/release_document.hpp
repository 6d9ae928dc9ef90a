// A release job as the API shows it.
#pragma once

#include "relay/release_report.hpp"

#include <boost/json/object.hpp>

namespace siding::control {

boost::json::object release_json(const relay::ReleaseReport& report);

}  // namespace siding::control

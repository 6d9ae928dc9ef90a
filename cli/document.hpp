// Reads the control API's documents. A member that is missing, null or of another type reads as
// empty: a newer or older daemon must not break a table. Texts are as received: escape them, or
// put them into a Table, before a terminal sees them.
#pragma once

#include "base/clock.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace siding::cli {

std::string text_at(const boost::json::object& from, std::string_view key);
std::uint64_t number_at(const boost::json::object& from, std::string_view key);
bool flag_at(const boost::json::object& from, std::string_view key);
std::optional<WallTime> time_at(const boost::json::object& from, std::string_view key);
const boost::json::object& object_at(const boost::json::object& from, std::string_view key);
const boost::json::array& array_at(const boost::json::object& from, std::string_view key);

}  // namespace siding::cli

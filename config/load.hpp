// A file to a Config, or everything that is wrong with it at once. Nothing is guessed and nothing
// is ignored: an unknown key is an error.
#pragma once

#include "config/config.hpp"
#include "config/problems.hpp"

#include <boost/system/result.hpp>

#include <string>
#include <string_view>

namespace siding::config {

using LoadResult = boost::system::result<Config, ConfigErrors>;

LoadResult load_file(const std::string& path);

// `file_name` is what errors name.
LoadResult load_text(std::string_view text, const std::string& file_name);

}  // namespace siding::config

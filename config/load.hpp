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

// The files that the configuration names are left alone.
LoadResult load_file(const std::string& path);

// The same, and every file that it names must be there to be read.
LoadResult check_file(const std::string& path);

// `file_name` is what errors name; relative paths in the text start beside it.
LoadResult load_text(std::string_view text, const std::string& file_name);

}  // namespace siding::config

// The recipients of a wave as they stand in a file, in any format that recipient files have.
#pragma once

#include "base/domain.hpp"
#include "base/result.hpp"
#include "config/config.hpp"

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace siding::cli {

struct WaveFile {
    std::vector<std::string> addresses;  // of the domain, by name; "@example.com" for all of it
    std::size_t elsewhere = 0;           // of other domains, left out
};

// Errc::invalid_argument names the file and its bad lines.
Result<WaveFile> read_wave_file(
    const std::filesystem::path& path,
    config::RecipientMapFormat format,
    const std::string& column,
    const Domain& domain
);

// "list", "virtual", …
Result<config::RecipientMapFormat> parse_file_format(std::string_view text);

}  // namespace siding::cli

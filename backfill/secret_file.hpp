// A secret written to the first line of a file: whole or not at all, even when the machine stops.
#pragma once

#include "base/result.hpp"

#include <string>

namespace siding::backfill {

// Replaces the first line and keeps the rest; makes the file where it is not there. Mode 0600, on
// disk when this returns. A symbolic link stays one. Blocks. Errc::storage_failure names the file
// and says nothing of the secret.
Result<void> write_secret_file(const std::string& path, const std::string& secret);

}  // namespace siding::backfill

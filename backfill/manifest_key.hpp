// The key that manifests are signed with: data_dir/backfill/manifest.key, made at first use.
#pragma once

#include "base/signature.hpp"

#include <filesystem>

namespace siding::backfill {

// Blocks. Errc::corrupt: it is no key, or others can read it; it is never made anew then.
Result<SigningKey> manifest_key(const std::filesystem::path& directory);

}  // namespace siding::backfill

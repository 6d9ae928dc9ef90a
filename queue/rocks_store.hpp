// The embedded store: queue/store.hpp over one RocksDB. RocksDB itself is hidden in
// rocks_database.hpp.
#pragma once

#include "queue/store.hpp"

#include <filesystem>
#include <memory>

namespace siding::queue {

struct RocksOptions;

// Opens or creates <directory>/db. Errc::already_exists: another process has it. Errc::corrupt:
// what was recovered ends below the acked watermark, or is unreadable; the files are left as they
// are. Moves every in_flight recipient back to due and drops bodies whose message never came.
Result<std::unique_ptr<Store>> open_store(const std::filesystem::path& directory, WallTime now);
Result<std::unique_ptr<Store>> open_store(const RocksOptions& options, WallTime now);

// For export and listings while no daemon runs; changes nothing on disk, refuses every write.
Result<std::unique_ptr<Store>> open_store_read_only(const std::filesystem::path& directory);

}  // namespace siding::queue

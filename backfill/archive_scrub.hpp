// Reads a part of the archive back and compares, going on where the last time ended, so that all of
// it is looked at again and again, and a small archive every time. What the disk has changed is
// forgotten: whoever has it at the source fetches it again.
#pragma once

#include "backfill/archive_store.hpp"

#include <cstdint>

namespace siding::backfill {

struct ScrubTally {
    std::uint64_t messages = 0;
    std::uint64_t packed_octets = 0;
    std::uint64_t broken = 0;
};

// Once for each opening of the archive; blocks, for about a second. Open to write.
Result<ScrubTally> scrub_archive(ArchiveStore& store, std::uint64_t packed_octets_max);

}  // namespace siding::backfill

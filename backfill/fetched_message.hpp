// One message as a server gave it, whole: its octets in memory or, when it is large, on disk.
#pragma once

#include "backfill/digests.hpp"
#include "backfill/spool_file.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace siding::backfill {

struct FetchedMessage {
    FetchedMessage() = default;  // no aggregate: net/asio.hpp

    std::uint64_t uid = 0;
    std::vector<std::string> flags;  // as they came
    std::string internal_date;       // empty: not given
    std::uint64_t octets = 0;
    std::string body;               // where there is no file
    std::optional<SpoolFile> file;  // of a large one
    MessageDigests digests;
    MessageFacts facts;

    std::uint64_t octets_in_memory() const { return body.size(); }
};

}  // namespace siding::backfill

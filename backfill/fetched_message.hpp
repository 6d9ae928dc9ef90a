// One message as a server gave it, whole: its octets in memory or, when it is large, on disk.
#pragma once

#include "backfill/digests.hpp"
#include "backfill/octets.hpp"
#include "backfill/repair.hpp"
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
    std::string email_id;            // CopyRecord's; empty: not asked for, or not given
    std::uint64_t octets = 0;
    std::string body;               // where there is no file
    std::optional<SpoolFile> file;  // of a large one
    MessageDigests digests;
    MessageFacts facts;

    // What repair_message() has made of it: then `octets`, `body` and `file` are those of the
    // repaired message, `digests` and `facts` still those of what the source has given.
    Repairs repairs;
    MessageDigests repaired;
    std::uint64_t source_octets = 0;
    bool is_archived = false;  // the source's octets are

    std::uint64_t octets_in_memory() const { return body.size(); }
};

// Of what is to be sent; the message outlives it. Blocks.
OctetProducer octets_of(const FetchedMessage& message);

// Errors are the disk's. Blocks. What the repairs do not change stays as it is.
Result<void> repair_message(
    FetchedMessage& message, const Repairs& repairs, const std::filesystem::path& spool
);

}  // namespace siding::backfill

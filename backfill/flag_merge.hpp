// Flags of one message on both sides, merged three ways. Pure. The source is only read, so the base
// of the next merge is the source as it is now: a flag moves when the source has changed it since,
// and what the destination's user did stays.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace siding::backfill {

enum class FlagWinner {
    source,       // before the release: the mailbox in use is the source
    destination,  // after it
};

// Flags are equal whatever their case (RFC 9051 §2.3.2); \Recent is no flag of anybody's.
struct FlagSides {
    std::optional<std::vector<std::string>>
        base;  // CopyRecord::flags; nothing: never merged before
    std::vector<std::string> source;
    std::vector<std::string> destination;
};

struct FlagChange {
    std::vector<std::string> add;     // at the destination
    std::vector<std::string> remove;  // at the destination
    std::vector<std::string> base;    // for CopyRecord::flags: sorted, no \Recent

    bool is_empty() const { return add.empty() && remove.empty(); }
    bool operator==(const FlagChange&) const = default;
};

// Without a base nothing is ever removed, and something added only if the source wins. Where the
// destination wins, \Deleted is never set there.
FlagChange merge_flags(const FlagSides& sides, FlagWinner winner);

}  // namespace siding::backfill

// Are these two the same message? Of two that are known to belong together, how alike they are; of
// two heaps, which belongs to which. Pure. Message-ID alone never decides: the same one with
// another body is another message, and two identical messages stay two.
#pragma once

#include "backfill/copy_record.hpp"
#include "base/clock.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace siding::backfill {

enum class Likeness {
    exact,
    exact_but_line_ends,  // and NUL, which some servers cannot keep
    headers_rewritten,    // the same body
    body_rewritten,       // the same Message-ID, Date, From, To, Cc and Subject
    different,
};
using Match = Likeness;

// A digest that was not computed is like no other.
Match compare(const MessageDigests& source, const MessageDigests& destination);

// One message of a heap, in 88 octets, so that a million of them fit.
struct Known {
    using Key = std::array<char, 16>;  // the front of a SHA-256; zeros: unknown

    Known() = default;
    // Leave a digest empty if it was not computed: of a message whose header alone was fetched,
    // keep `header` and clear the other three. `received_at` is its INTERNALDATE, in seconds.
    Known(
        const MessageDigests& digests,
        std::string_view message_id,
        std::optional<WallTime> received_at
    );

    Key raw{};
    Key canonical{};
    Key header{};
    Key body{};
    Key message_id{};
    std::int64_t received_at = time_unknown;  // seconds

    static constexpr std::int64_t time_unknown = std::numeric_limits<std::int64_t>::min();
};

// Pairs of indices, ascending by the source's. The strongest likeness is paired first, and among
// equals those with the same INTERNALDATE, then in the order given:
//   raw · canonical · header and body · Message-ID and body · header and INTERNALDATE where the
//   body of one of the two is unknown.
// Whoever is in no pair has no partner.
std::vector<std::pair<std::size_t, std::size_t>> pair_up(
    std::span<const Known> source, std::span<const Known> destination
);

}  // namespace siding::backfill

// The common filter of every command. An unset field means "any"; all set fields must hold.
// matches() is the one predicate: listings, holds, releases and discards all ask it.
#pragma once

#include "base/domain.hpp"
#include "base/id.hpp"
#include "queue/recipient.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace siding::queue {

struct Filter {
    std::optional<Domain> domain;
    std::optional<std::string> wave;
    std::optional<std::string> recipient;  // address in lower case
    std::optional<std::string> sender;     // address in lower case; empty for the null sender <>
    std::optional<State> state;
    std::optional<WallTime> since;   // received at or after
    std::optional<WallTime> before;  // received before
    std::optional<std::uint64_t> larger_octets;
    std::optional<MessageId> message;
    std::optional<std::uint32_t> recipient_number;  // only together with message
    std::optional<std::uint64_t> limit;             // rows in all; not part of matches()
    std::optional<std::string> tag;                 // its message has this tag
    std::optional<std::string> not_tag;             // its message has not
    std::optional<std::string> cause;               // parked for it
    std::optional<std::string> server;              // on that lane
    std::optional<bool> copy;                       // of a parallel run

    // Ids up to this one: pins a release to what was there when it was ordered.
    std::optional<MessageId> up_to;
    // What phase `release` leaves alone; not for operators, whose orders mean both.
    std::optional<bool> kept;

    bool operator==(const Filter&) const = default;
};

bool matches(const Filter& filter, const Recipient& recipient);

// Every field but sender, size, state, tags, cause, server, copy and kept, which need the row: what
// an index key alone can answer.
bool matches_id(const Filter& filter, RecipientId id);

// Sets `recipient` from an address (one mailbox) or "@domain" (all of a domain: sets `domain`).
Result<void> set_recipient(Filter& filter, std::string_view text);

}  // namespace siding::queue

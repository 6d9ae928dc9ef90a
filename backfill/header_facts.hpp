// A header section to the facts of it, and to the digest of the six fields that say which message
// it is. Pure and tolerant: what is no field is passed over.
#pragma once

#include "backfill/digests.hpp"

#include <string_view>

namespace siding::backfill {

// `header`: lines end with CRLF, with or without the empty line. Fills the texts of `facts`.
// The digest is of Message-ID, Date, From, To, Cc, Subject, in this order wherever they stand;
// unfolded, blanks collapsed. Received, Status and the rest are what servers add and change.
Digest read_header(std::string_view header, MessageFacts& facts);

// One Received field, unfolded (RFC 5321 §4.4).
ReceivedLine parse_received(std::string_view text);

}  // namespace siding::backfill

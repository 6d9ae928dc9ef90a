// A message inside a new one, for a server that does not take it as it is. Pure. The same message
// is always wrapped in the same way.
#pragma once

#include "backfill/octets.hpp"

#include <string>
#include <string_view>

namespace siding::backfill {

// The producer is called twice.
Result<void> wrap_message(const OctetProducer& message, const OctetSink& sink);

// The fields of a header by which people find a message, as fields that every server takes: ASCII,
// folded, RFC 2047 where there were other octets. `header`: any line ends.
std::string outer_fields(std::string_view header);

}  // namespace siding::backfill

// Octets of one message on their way from one place to another, in pieces, in order.
#pragma once

#include "base/result.hpp"

#include <functional>
#include <string_view>

namespace siding::backfill {

using OctetSink = std::function<Result<void>(std::string_view octets)>;
// Gives the octets to the sink, from the first to the last; as often as it is called.
using OctetProducer = std::function<Result<void>(const OctetSink& sink)>;

}  // namespace siding::backfill

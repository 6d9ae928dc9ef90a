// The first sentence of a story: who brought the message, for whom, and where each recipient went
// at once. Pure.
#pragma once

#include "cli/trace_message.hpp"

#include <string>

namespace siding::cli {

// `accepted` is the message's ledger line of that kind.
std::string arrival_sentence(const TraceMessage& message, const boost::json::object& accepted);

}  // namespace siding::cli

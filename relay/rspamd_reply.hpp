// rspamd's answer to /checkv2, read into a verdict. Pure; the only place that knows this JSON.
//
// rspamd may ask for any change to a message. Ours stays as it is: header fields are taken only if
// they may stand in the trace block above it, so neither removals nor fields that belong to the
// message (Subject, Content-Type, …) are obeyed.
#pragma once

#include "base/result.hpp"
#include "config/config.hpp"
#include "relay/filter_verdict.hpp"

#include <string>
#include <string_view>

namespace siding::relay {

// Errc::invalid_argument for what is no such answer.
Result<FilterVerdict> parse_rspamd_reply(std::string_view json, config::Filter::OnReject on_reject);

// One field, clean and folded (RFC 5322 §2.2.3), with CRLF. Empty where the name is none or belongs
// to the message, or the value cannot stand in a header.
std::string format_filter_header(std::string_view name, std::string_view value);

}  // namespace siding::relay

// Reads a DNS answer (RFC 1035 §4). Pure; every length is checked against the octets that are
// there, and names by c-ares' own decoder.
#pragma once

#include "base/result.hpp"
#include "dns/answer.hpp"

#include <string_view>

namespace siding::dns {

// Longest chain of CNAMEs that is followed.
inline constexpr int aliases_max = 16;

// `name` in lower case and without its last dot. Errc::unavailable for every answer that says
// neither what there is nor that there is nothing: SERVFAIL and its like, cut off, malformed, or to
// another question.
Result<Answer> parse_answer(std::string_view octets, std::string_view name, RecordType type);

}  // namespace siding::dns

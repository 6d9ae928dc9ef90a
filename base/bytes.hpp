// Octets as views, and the one way to show foreign octets to people.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace siding {

// ASCII only; other octets stay as they are.
std::string to_lower(std::string_view text);
bool equals_ignoring_case(std::string_view a, std::string_view b);

// Well-formed UTF-8 (RFC 3629 §4) without the C1 controls, which terminals obey.
bool is_utf8(std::string_view text);

// Printable form of remote text: controls, quotes' backslash and octets that are not valid UTF-8 as
// \xNN, cut after `length_max` octets of input with "…". Safe on a terminal and in a log line.
std::string escape(std::string_view text, std::size_t length_max = 256);

// Lower-case hexadecimal.
std::string to_hex(std::string_view octets);

}  // namespace siding

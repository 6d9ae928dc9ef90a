// xtext, the encoding of parameter values (RFC 3461 §4): "+3D" for what a value may not hold as it
// is. Values are kept as sent; decoding is for checking them and for XCLIENT.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace siding::smtp {

// The octets, whatever they are. Nothing for a '+' without two hexadecimal digits, white space, a
// control octet or an octet outside ASCII. A bare '=' passes, as it does with Postfix: addresses of
// mailing lists are full of them.
std::optional<std::string> decode_xtext(std::string_view text);

std::string encode_xtext(std::string_view octets);

}  // namespace siding::smtp

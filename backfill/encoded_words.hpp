// A header field of any octets as one that every server takes: ASCII in short lines, other octets
// as encoded words (RFC 2047). Pure. What cannot be kept (controls, NUL) is left out.
#pragma once

#include <string>
#include <string_view>

namespace siding::backfill {

enum class FieldKind {
    text,
    addresses,  // quoted strings are one word; encoded words stand for phrases
};

// "Subject: …\r\n". `value`: as it came, folded or not.
std::string format_field(std::string_view name, std::string_view value, FieldKind kind);

}  // namespace siding::backfill

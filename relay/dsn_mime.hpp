// The little MIME that a delivery report needs (RFC 5322 §2.2.3, RFC 2045 §6.7, RFC 2046 §5.1.1).
// Pure; all line ends are CRLF.
#pragma once

#include <string>
#include <string_view>

namespace siding::relay {

// "Name: text" with its CRLF, folded at spaces towards 78 columns and never beyond 998 octets. Line
// ends and other controls in the text become spaces: no text can forge a field.
std::string format_field(std::string_view name, std::string_view text);

// Any octets as lines of printable ASCII; CRLF is a line end, everything else survives.
std::string encode_quoted_printable(std::string_view octets);

// A delimiter that stands nowhere in `content`, made from `seed` (letters and digits).
std::string make_boundary(std::string_view seed, std::string_view content);

bool has_octets_beyond_ascii(std::string_view octets);

// From the start to the empty line that ends it, with its CRLF; all of it where there is none.
std::string_view header_section_of(std::string_view message);

}  // namespace siding::relay

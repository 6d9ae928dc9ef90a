// Paths: the addresses of MAIL and RCPT as they stand on the wire (RFC 5321 §4.1.2).
//
// The text is kept and passed on verbatim. Only what is needed to route is understood: '%' and '!'
// mean nothing here, a source route is dropped (RFC 5321 §3.6.1), and no control octet gets in.
// Well-formed UTF-8 does, in both parts (RFC 6531 §3.3); who may say so the dialogue knows.
// Lenient where common clients need it: missing brackets, spaces after the colon, repeated dots.
#pragma once

#include "base/address.hpp"
#include "smtp/reply.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace siding::smtp {

struct Path {
    std::string text;  // what stood between '<' and '>', without a source route
    // Empty for the null path, for <postmaster> and for an address literal (user@[192.0.2.1]).
    std::optional<Address> address;

    bool is_null() const { return text.empty(); }
    bool needs_smtputf8() const;  // has octets outside ASCII
    bool is_postmaster() const;   // RFC 5321 §4.1.1.3: the one name that needs no domain

    bool operator==(const Path&) const = default;
};

struct ParsedPath {
    Path path;
    std::string_view rest;  // parameters: empty, or starts behind the space
};

// `text` is what follows "FROM:" or "TO:". Refused with 501 5.1.7 (reverse) or 501 5.1.3 (forward).
Parsed<ParsedPath> parse_reverse_path(std::string_view text);
Parsed<ParsedPath> parse_forward_path(std::string_view text);

}  // namespace siding::smtp

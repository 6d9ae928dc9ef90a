// ESMTP parameters of MAIL and RCPT (RFC 5321 §4.1.1.11): kept verbatim, in order, and beside them
// the few that we understand. A parameter of an extension that we do not offer is refused (555), so
// nothing that is kept can be something we would have to ignore.
//
// An extension with parameters adds a row to the table in the .cpp and a field here.
#pragma once

#include "smtp/reply.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace siding::smtp {

enum class Body { seven_bit, eight_bit_mime };  // RFC 6152 §2

struct MailParameters {
    std::vector<std::string> verbatim;  // "SIZE=1000", "body=8BITMIME"
    std::optional<std::uint64_t> size;  // RFC 1870 §3
    std::optional<Body> body;

    std::string text() const;  // as on the wire; parse_mail_parameters reads it back
    bool operator==(const MailParameters&) const = default;
};

struct RcptParameters {
    std::vector<std::string> verbatim;

    std::string text() const;
    bool operator==(const RcptParameters&) const = default;
};

// 555 5.5.4 for an unknown keyword, 501 5.5.4 for a bad or repeated one.
Parsed<MailParameters> parse_mail_parameters(std::string_view text);
Parsed<RcptParameters> parse_rcpt_parameters(std::string_view text);

}  // namespace siding::smtp

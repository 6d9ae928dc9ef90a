// ESMTP parameters of MAIL and RCPT (RFC 5321 §4.1.1.11): kept verbatim, in order, and beside them
// what we understand of them. A parameter of an extension that is not offered is refused (555), so
// nothing that is kept can be something we would have to ignore.
//
// An extension with parameters adds a row to a table in the .cpp and a field here.
#pragma once

#include "smtp/extensions.hpp"
#include "smtp/reply.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace siding::smtp {

enum class Body { seven_bit, eight_bit_mime, binary_mime };  // RFC 6152 §2, RFC 3030 §3

enum class Ret { full, hdrs };  // RFC 3461 §4.3

struct MailParameters {
    std::vector<std::string> verbatim = {};  // "SIZE=1000", "body=8BITMIME"
    std::optional<std::uint64_t> size = {};  // RFC 1870 §3
    std::optional<Body> body = {};
    bool smtputf8 = false;    // RFC 6531 §3.4
    bool requiretls = false;  // RFC 8689 §2
    std::optional<Ret> ret = {};
    std::optional<std::string> envid = {};  // xtext as sent, checked (RFC 3461 §4.4)

    std::string text() const;  // as on the wire; parse_mail_parameters reads it back
    bool operator==(const MailParameters&) const = default;
};

// RFC 3461 §4.1: `never` alone, or one or more of the others.
struct Notify {
    bool never = false;
    bool success = false;
    bool failure = false;
    bool delay = false;

    bool operator==(const Notify&) const = default;
};

struct RcptParameters {
    std::vector<std::string> verbatim = {};
    std::optional<Notify> notify = {};
    std::optional<std::string> orcpt = {};  // "rfc822;joe+40x" as sent, checked (RFC 3461 §4.2)

    std::string text() const;
    bool needs_smtputf8() const;  // ORCPT has octets outside ASCII
    bool operator==(const RcptParameters&) const = default;
};

// 555 5.5.4 for a keyword of no extension in `offered`, 501 5.5.4 for a bad or repeated one. The
// default is for what was checked when it came in.
Parsed<MailParameters> parse_mail_parameters(
    std::string_view text, const Extensions& offered = Extensions::all()
);
Parsed<RcptParameters> parse_rcpt_parameters(
    std::string_view text, const Extensions& offered = Extensions::all()
);

}  // namespace siding::smtp

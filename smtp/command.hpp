// One command line as a value (RFC 5321 §4.1.1). Verbs are case-insensitive; white space at the end
// is tolerated; a line with a control octet or malformed UTF-8 is no command at all.
#pragma once

#include "smtp/address.hpp"
#include "smtp/parameters.hpp"
#include "smtp/reply.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

namespace siding::smtp {

namespace command {

struct Hello {
    std::string name;  // verbatim: a domain, an address literal, or whatever the client claims
    bool extended;     // EHLO
};
struct Mail {
    Path reverse_path;
    MailParameters parameters;
};
struct Rcpt {
    Path forward_path;
    RcptParameters parameters;
};
struct Data {};
struct Bdat {  // RFC 3030 §2
    std::uint64_t octets = 0;
    bool last = false;
};
struct Rset {};
struct Noop {};
struct Vrfy {};
struct Quit {};
struct StartTls {};
struct Xclient {
    std::string attributes;  // for parse_xclient
};
// A verb of SMTP that is not spoken here: EXPN, HELP, ETRN, AUTH, …
struct NotImplemented {};
// Another protocol's request or a header field: HTTP through a form or an SSRF, or a client that
// lost its place. RFC 5321 §7.9 lets a server go.
struct Foreign {};

}  // namespace command

using Command = std::variant<
    command::Hello,
    command::Mail,
    command::Rcpt,
    command::Data,
    command::Bdat,
    command::Rset,
    command::Noop,
    command::Vrfy,
    command::Quit,
    command::StartTls,
    command::Xclient,
    command::NotImplemented,
    command::Foreign>;

// `line` is without its CRLF. Refused with 500 5.5.2, 501 5.5.4 or what the path and the parameters
// are refused with; with 521 5.5.4 for a BDAT that does not tell where its octets end.
Parsed<Command> parse_command(std::string_view line, const Extensions& offered = Extensions::all());

}  // namespace siding::smtp

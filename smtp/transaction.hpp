// What one transaction has to say, and which of it a given server can be told: parameters that came
// in go out again where the server offers their extension. What cannot be dropped without changing
// the message's meaning makes the server unfit for it (check_fits).
#pragma once

#include "smtp/extensions.hpp"
#include "smtp/parameters.hpp"
#include "smtp/verdict.hpp"
#include "smtp/xclient.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace siding::smtp {

struct Transaction {
    struct Recipient {
        std::string forward_path;  // verbatim, without brackets
        RcptParameters parameters;
    };

    std::string reverse_path;  // verbatim, without brackets; empty for <>
    MailParameters mail_parameters;
    std::vector<Recipient> recipients;  // at least one
    std::uint64_t octets = 0;           // all that will be sent, with our Received line
    // Who gave us the message, for a server that is to hear of it (XCLIENT).
    std::optional<XclientAttributes> client = {};

    // RFC 3030 §3: such octets go by BDAT, exactly as they are.
    bool is_binary() const { return mail_parameters.body == Body::binary_mime; }
    // RFC 6531 §3.4: declared, or an address needs it (a rewrite may have brought it in).
    bool needs_smtputf8() const;
};

// What is known of the server at the other end.
struct NextHop {
    Extensions extensions;
    bool is_tls = false;
    bool is_verified = false;  // its certificate and name
};

// Our refusal to send, permanent: the operator decides. Octets are never converted; 8-bit content
// that was never declared is sent as it came.
std::optional<Verdict> check_fits(const Transaction& transaction, const NextHop& hop);

// With CRLF. SIZE is what we really send; without octets (a probe) none is said.
std::string format_mail(const Transaction& transaction, const NextHop& hop);
std::string format_rcpt(const Transaction::Recipient& recipient, const NextHop& hop);

}  // namespace siding::smtp

// Our Received line (RFC 5321 §4.4), the one thing that is put in front of a message.
//
// Shaped like Postfix's, octet for octet where it matters: Exchange Online's skip listing, Google's
// inbound gateway and rspamd's external_relay read the client's address out of it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace siding::smtp {

// RFC 3848. A session over TLS adds its own row and the comment about the cipher.
enum class Protocol { smtp, esmtp };

struct TraceFacts {
    std::string helo;          // as the client said it; sanitised here
    std::string peer_name;     // PTR, confirmed forward; empty: "unknown"
    std::string peer_address;  // "192.0.2.1", "2001:db8::1"
    std::string hostname;
    Protocol protocol = Protocol::esmtp;
    std::string id;
    std::optional<std::string> recipient;  // only for one recipient: more would disclose a Bcc
    std::string date;                      // RFC 5322 §3.3
};

// Folded, ends in CRLF.
std::string format_trace_header(const TraceFacts& facts);

}  // namespace siding::smtp

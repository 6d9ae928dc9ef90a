// Our Received line (RFC 5321 §4.4), the one thing that is put in front of a message.
//
// Shaped like Postfix's, octet for octet where it matters: Exchange Online's skip listing, Google's
// inbound gateway and rspamd's external_relay read the client's address out of it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace siding::smtp {

// RFC 3848, RFC 6531 §4.3.
enum class Protocol { smtp, esmtp, esmtps, utf8smtp, utf8smtps };

struct ProtocolFacts {
    bool is_esmtp = true;
    bool is_tls = false;
    bool is_smtputf8 = false;  // MAIL said so
};
Protocol protocol_of(const ProtocolFacts& facts);

// For the comment behind the client's name. What comes from a certificate is sanitised here.
struct TraceTls {
    std::string version;  // "TLSv1.3"
    std::string cipher;
    int bits = 0;
    bool client_certificate_requested = false;
    std::string client_name = {};  // common names; both empty: there was no certificate
    std::string client_issuer = {};
    bool client_verified = false;
};

struct TraceFacts {
    std::string helo;          // as the client said it; sanitised here
    std::string peer_name;     // PTR, confirmed forward; empty: "unknown"
    std::string peer_address;  // "192.0.2.1", "2001:db8::1"
    std::string hostname;
    Protocol protocol = Protocol::esmtp;
    std::string id;
    std::optional<std::string> recipient;  // only for one recipient: more would disclose a Bcc
    std::string date;                      // RFC 5322 §3.3
    std::optional<TraceTls> tls = {};
};

// Folded, ends in CRLF.
std::string format_trace_header(const TraceFacts& facts);

}  // namespace siding::smtp

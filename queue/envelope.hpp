// What arrived, as values that never change afterwards: an envelope and the facts about its octets.
// The octets themselves stay in the store (store.hpp).
#pragma once

#include "base/digest.hpp"
#include "base/domain.hpp"
#include "base/id.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace siding::queue {

struct EnvelopeRecipient {
    std::string address;                  // the forward-path as sent, without <>
    std::vector<std::string> parameters;  // verbatim, in order (RFC 3461 NOTIFY, ORCPT)
    Domain domain;
    std::string wave = "default";
    // The forward-path as the client sent it, where a rewrite map made another address of it.
    std::string original = {};
    bool copy = false;  // a parallel run's: the same recipient again, queued for another server

    // What filters and listings compare: the address in lower case.
    std::string key() const;
};

// Facts about the stored octets. Stored octets are received octets, dot-unstuffed (RFC 5321
// §4.5.2).
struct BodyFacts {
    std::uint64_t size_octets = 0;
    Digest sha256;                    // of the stored octets
    std::uint32_t chunks = 0;         // 1 for every body up to limits::inline_body_octets_max
    std::uint32_t bare_newlines = 0;  // bare CR or LF made CRLF at the door
    bool declared_8bit = false;       // BODY=8BITMIME
    bool binary = false;              // BODY=BINARYMIME: the octets are no lines (RFC 3030 §3)
};

struct Envelope {
    MessageId id;
    WallTime received_at;
    std::string reverse_path;                  // as sent, without <>; empty for a bounce
    std::vector<std::string> mail_parameters;  // verbatim, in order
    std::vector<EnvelopeRecipient> recipients;
    std::string client_address;     // "192.0.2.1" or "2001:db8::1"
    std::string helo;               // as sent
    std::string trace_header;       // our Received: line, with CRLF; goes in front of the octets
    std::string message_id_header;  // value of Message-ID:, empty if there is none
    BodyFacts body;

    std::string client_name = {};           // PTR or XCLIENT NAME; empty if unknown
    std::string proxy_address = {};         // the peer that spoke PROXY or XCLIENT for the client
    std::string listener = {};              // "192.0.2.25:25"
    std::string tls = {};                   // "TLSv1.3 TLS_AES_256_GCM_SHA384"; empty without TLS
    std::string tls_peer = {};              // SHA-256 fingerprint of the client's certificate
    std::vector<std::string> tags = {};     // what the content filter says: "spam", …
    std::optional<double> spam_score = {};  // kept to a thousandth
};

}  // namespace siding::queue

// What was agreed in a TLS handshake, as plain values for the trace header, the ledger and the log.
#pragma once

#include <string>

namespace siding::net {

// Why the peer is believed to be who it is.
enum class TlsTrust {
    none,
    chain,        // its chain ends at a trusted root, and fits the name for a server
    fingerprint,  // TlsClient::Options::fingerprints
    dane,         // RFC 7672
};

// Every text that comes from the peer is printable already (base/bytes.hpp escape, bounded).
struct TlsFacts {
    std::string version;           // "TLSv1.3"
    std::string cipher;            // "TLS_AES_256_GCM_SHA384"
    int cipher_bits = 0;           // of the symmetric key
    std::string server_name;       // SNI, lower case; empty without
    std::string peer_name;         // the certificate's common name; empty without a certificate
    std::string peer_issuer;       // its issuer's common name, else the organisation
    std::string peer_fingerprint;  // SHA-256 of the certificate, lower-case hex; empty without
    bool peer_verified = false;    // trust is not none
    TlsTrust trust = TlsTrust::none;
    bool resumed = false;  // by a session ticket
};

}  // namespace siding::net

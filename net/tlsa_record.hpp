// A TLSA record (RFC 6698 §2.1) as plain values: what DNS says of a server's certificate.
#pragma once

#include <compare>
#include <cstdint>
#include <string>

namespace siding::net {

struct TlsaRecord {
    std::uint8_t usage = 0;     // 2 DANE-TA, 3 DANE-EE (RFC 7218); 0 and 1 are not for SMTP
    std::uint8_t selector = 0;  // 0 the certificate, 1 its public key
    std::uint8_t matching = 0;  // 0 itself, 1 SHA-256, 2 SHA-512
    std::string data{};         // octets

    // RFC 7672 §3.1: whether SMTP may use it, and its digest has the right length. A record that
    // OpenSSL cannot read after all is passed over in the handshake.
    bool is_usable() const;
    std::string text() const;  // "3 1 1 9f86d08…", for people

    auto operator<=>(const TlsaRecord&) const = default;
};

}  // namespace siding::net

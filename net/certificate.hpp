// A server's certificates as plain values, for who wants to say what is wrong with them rather than
// to end a connection: names, dates, whether the chain ends at a trusted root, whether TLSA records
// fit. Certificates travel as DER. Knows no sockets.
#pragma once

#include "base/clock.hpp"
#include "base/result.hpp"
#include "net/tlsa_record.hpp"

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

struct x509_store_st;

namespace siding::net {

struct CertificateFacts {
    std::string subject;             // common name; printable
    std::string issuer;              // common name, else organisation; printable
    std::vector<std::string> names;  // dNSName, lower case; the common name where there is none
    WallTime not_before;
    WallTime not_after;
    bool is_self_signed = false;
};

// Errc::invalid_argument for what is no certificate.
Result<CertificateFacts> describe_certificate(std::string_view der);

// The octets of the first certificate in a PEM text. Errc::invalid_argument where there is none.
Result<std::string> certificate_of_pem(std::string_view pem);

// RFC 6125 §6.4: "*" stands for one whole label, the leftmost.
bool fits_name(const CertificateFacts& certificate, std::string_view name);

// The roots that chains are held against. Thread-safe, immutable.
class TrustedRoots {
public:
    // Reads them; blocking. Nothing: the system's (SSL_CERT_FILE and SSL_CERT_DIR count).
    static Result<TrustedRoots> load(const std::optional<std::string>& ca_file = {});

    // The leaf first. Says nothing about names. Nothing when the chain is good, else what is wrong,
    // in OpenSSL's words: "certificate has expired", "unable to get local issuer certificate".
    std::optional<std::string> find_fault(std::span<const std::string> chain, WallTime at) const;

private:
    struct FreeStore {
        void operator()(x509_store_st* store) const;
    };
    explicit TrustedRoots(x509_store_st* store) : store_{store, FreeStore{}} {}

    std::shared_ptr<x509_store_st> store_;
};

// What a TLSA record with this selector and matching type says of a certificate (RFC 6698 §2.1.4):
// octets. Errc::invalid_argument for numbers that mean nothing and for what is no certificate.
Result<std::string> tlsa_data(std::string_view der, std::uint8_t selector, std::uint8_t matching);

// RFC 7672 §3.1: usage 3 is held against the leaf, usage 2 against the rest of the chain (and the
// leaf, should it be its own issuer). Digests are compared, signatures and dates are not.
bool fits_tlsa(const TlsaRecord& record, std::span<const std::string> chain);

}  // namespace siding::net

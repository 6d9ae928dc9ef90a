// The TLS side of connections to one server. Without `verify`, `fingerprints` and `tlsa` any
// certificate will do, and TlsFacts says what it was worth. Thread-safe, immutable.
#pragma once

#include "base/result.hpp"
#include "net/tlsa_record.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace siding::net {

class TlsEngine;

class TlsClient {
public:
    // At most one of `verify`, `fingerprints` and `tlsa`.
    struct Options {
        bool verify = false;  // a certificate that does not fit the name or the roots ends it
        std::string name{};   // SNI and the name to verify; an IP address is verified as one
        std::optional<std::string> ca_file{};  // PEM; instead of the system's roots
        // SHA-256 of the certificate, lower-case hex. Any one of them will do, whatever the names,
        // the issuer and the dates; nothing else will.
        std::vector<std::string> fingerprints{};
        // RFC 7672 §3.1: one of these must fit, nothing else counts. `name` is the TLSA base
        // domain.
        std::vector<TlsaRecord> tlsa{};
        std::vector<std::string> other_names{};  // RFC 7672 §3.2.2: DANE-TA takes these too
    };

    // Reads the roots; blocking. The error names the file. Errc::invalid_argument for options that
    // contradict each other, and for TLSA records of which none can be used.
    static Result<std::shared_ptr<TlsClient>> create(Options options);
    ~TlsClient();
    TlsClient(const TlsClient&) = delete;
    TlsClient& operator=(const TlsClient&) = delete;

    // The client's end of a handshake on a connected non-blocking socket.
    Result<std::unique_ptr<TlsEngine>> open(int socket) const;

private:
    struct Context;
    explicit TlsClient(std::unique_ptr<const Context> context);

    std::unique_ptr<const Context> context_;
};

}  // namespace siding::net

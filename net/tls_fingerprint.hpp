// Trust in a certificate because it is one that was named in advance, and for no other reason.
#pragma once

#include <string>
#include <utility>
#include <vector>

struct ssl_ctx_st;
struct ssl_st;
struct x509_st;

namespace siding::net {

// SHA-256 of the certificate, lower-case hex; empty if OpenSSL has no memory.
std::string fingerprint_of(const x509_st* certificate);

// Of one connection; lives as long as its TlsEngine.
class TlsFingerprintCheck {
public:
    explicit TlsFingerprintCheck(std::vector<std::string> allowed) : allowed_{std::move(allowed)} {}
    TlsFingerprintCheck(const TlsFingerprintCheck&) = delete;
    TlsFingerprintCheck& operator=(const TlsFingerprintCheck&) = delete;

    // From now on the connections of the context ask their check, and nobody else.
    static void install_in(ssl_ctx_st* context);
    void attach_to(ssl_st* handle);
    // Nothing where none is attached.
    static const TlsFingerprintCheck* of(const ssl_st* handle);

    bool allows(std::string fingerprint);
    const std::string& shown() const { return shown_; }  // by the peer

private:
    std::vector<std::string> allowed_;
    std::string shown_;
};

}  // namespace siding::net

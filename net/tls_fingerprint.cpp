#include "net/tls_fingerprint.hpp"

#include "base/bytes.hpp"
#include "base/check.hpp"

#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>

#include <algorithm>
#include <array>
#include <utility>

namespace siding::net {
namespace {

int data_index() {
    static const int index = [] {
        const int made = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
        SIDING_CHECK(made >= 0, "no memory for an index of OpenSSL's");
        return made;
    }();
    return index;
}

// Instead of X509_verify_cert().
int on_certificate(X509_STORE_CTX* store, void*) {
    auto* const ssl = static_cast<SSL*>(
        ::X509_STORE_CTX_get_ex_data(store, ::SSL_get_ex_data_X509_STORE_CTX_idx())
    );
    auto* const check = static_cast<TlsFingerprintCheck*>(::SSL_get_ex_data(ssl, data_index()));
    const X509* const certificate = ::X509_STORE_CTX_get0_cert(store);
    const bool fits =
        check != nullptr && certificate != nullptr && check->allows(fingerprint_of(certificate));
    ::X509_STORE_CTX_set_error(store, fits ? X509_V_OK : X509_V_ERR_CERT_UNTRUSTED);
    return fits ? 1 : 0;
}

}  // namespace

std::string fingerprint_of(const x509_st* certificate) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
    unsigned int size = 0;
    if (::X509_digest(certificate, ::EVP_sha256(), digest.data(), &size) != 1) {
        return {};
    }
    return to_hex({reinterpret_cast<const char*>(digest.data()), size});
}

void TlsFingerprintCheck::install_in(ssl_ctx_st* context) {
    ::SSL_CTX_set_cert_verify_callback(context, on_certificate, nullptr);
}

void TlsFingerprintCheck::attach_to(ssl_st* handle) {
    ::SSL_set_ex_data(handle, data_index(), this);
}

const TlsFingerprintCheck* TlsFingerprintCheck::of(const ssl_st* handle) {
    return static_cast<const TlsFingerprintCheck*>(::SSL_get_ex_data(handle, data_index()));
}

bool TlsFingerprintCheck::allows(std::string fingerprint) {
    shown_ = std::move(fingerprint);
    return !shown_.empty() && std::ranges::find(allowed_, shown_) != allowed_.end();
}

}  // namespace siding::net

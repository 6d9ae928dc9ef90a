#include "net/tls_context.hpp"

#include <boost/asio/ssl/error.hpp>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <utility>

namespace siding::net {
namespace {

// Of one strength, so the cheapest first; a client without AES instructions moves ChaCha20 up.
constexpr const char* server_ciphers =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
constexpr const char* client_ciphers = "HIGH:!aNULL:!eNULL:!kPSK:!kSRP:!3DES";
constexpr const char* groups = "X25519:P-256:P-384";

// RFC 8446 §4.6.1: a sender that comes back within this time is spared the full handshake.
constexpr long session_seconds = 2 * 60 * 60;

// Whatever the system's openssl.cnf says is replaced: what we promise must not depend on it.
bool configure(SSL_CTX* context, int version_min) {
    ::SSL_CTX_set_options(
        context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_IGNORE_UNEXPECTED_EOF
    );
    SSL_CTX_set_mode(
        context,
        SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
            SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_NO_AUTO_CHAIN
    );
    // One recv() for all records that have arrived instead of two for each.
    SSL_CTX_set_read_ahead(context, 1);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    return SSL_CTX_set_min_proto_version(context, version_min) == 1 &&
           SSL_CTX_set_max_proto_version(context, 0) == 1;
}

}  // namespace

void TlsContextDeleter::operator()(ssl_ctx_st* context) const {
    ::SSL_CTX_free(context);
}

void TlsHandleDeleter::operator()(ssl_st* handle) const {
    ::SSL_free(handle);
}

Error take_tls_error(std::string what) {
    const auto code = static_cast<int>(::ERR_peek_error());
    ::ERR_clear_error();
    return {
        boost::system::error_code{code, boost::asio::error::get_ssl_category()}, std::move(what)};
}

Result<TlsContext> make_server_context(bool tls13_only) {
    TlsContext context{::SSL_CTX_new(::TLS_server_method())};
    SSL_CTX* const raw = context.get();
    if (raw == nullptr || !configure(raw, tls13_only ? TLS1_3_VERSION : TLS1_2_VERSION) ||
        ::SSL_CTX_set_cipher_list(raw, server_ciphers) != 1 ||
        SSL_CTX_set1_groups_list(raw, groups) != 1 || ::SSL_CTX_set_num_tickets(raw, 1) != 1) {
        return take_tls_error("cannot prepare TLS");
    }
    ::SSL_CTX_set_options(raw, SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
    ::SSL_CTX_set_security_level(raw, 2);
    ::SSL_CTX_set_max_early_data(raw, 0);
    ::SSL_CTX_set_timeout(raw, session_seconds);
    return context;
}

Result<TlsContext> make_client_context(bool lenient) {
    TlsContext context{::SSL_CTX_new(::TLS_client_method())};
    SSL_CTX* const raw = context.get();
    if (raw == nullptr || !configure(raw, TLS1_2_VERSION) ||
        ::SSL_CTX_set_cipher_list(raw, client_ciphers) != 1) {
        return take_tls_error("cannot prepare TLS");
    }
    ::SSL_CTX_set_security_level(raw, lenient ? 1 : 2);
    return context;
}

}  // namespace siding::net

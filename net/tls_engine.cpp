#include "net/tls_engine.hpp"

#include "base/bytes.hpp"
#include "base/check.hpp"
#include "net/tls_fingerprint.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/ssl/error.hpp>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <cerrno>
#include <sys/socket.h>
#include <utility>

namespace siding::net {
namespace {

using boost::system::error_code;

struct FreeMethod {
    void operator()(BIO_METHOD* method) const { ::BIO_meth_free(method); }
};

constexpr std::size_t name_octets_max = 128;

// Of 16 KiB each, in one call. OpenSSL goes on by itself as long as what comes is no data, and a
// peer that sends one key update after the other (RFC 8446 §4.6.3) would have the thread to itself.
constexpr unsigned reads_max = 4;

std::string common_name(const X509_NAME* name, int field) {
    const int index = ::X509_NAME_get_index_by_NID(name, field, -1);
    if (index < 0) {
        return {};
    }
    unsigned char* text = nullptr;
    const int length = ::ASN1_STRING_to_UTF8(
        &text, ::X509_NAME_ENTRY_get_data(::X509_NAME_get_entry(name, index))
    );
    if (length < 0) {
        return {};
    }
    std::string printable = escape(
        {reinterpret_cast<const char*>(text), static_cast<std::size_t>(length)}, name_octets_max
    );
    ::OPENSSL_free(text);
    return printable;
}

void describe_peer(const X509* certificate, TlsFacts& facts) {
    facts.peer_name = common_name(::X509_get_subject_name(certificate), NID_commonName);
    const X509_NAME* const issuer = ::X509_get_issuer_name(certificate);
    facts.peer_issuer = common_name(issuer, NID_commonName);
    if (facts.peer_issuer.empty()) {
        facts.peer_issuer = common_name(issuer, NID_organizationName);
    }
    facts.peer_fingerprint = fingerprint_of(certificate);
}

TlsTrust trust_of(SSL* ssl) {
    if (::SSL_get_verify_result(ssl) != X509_V_OK) {
        return TlsTrust::none;
    }
    if (TlsFingerprintCheck::of(ssl) != nullptr) {
        return TlsTrust::fingerprint;
    }
    return ::SSL_get0_dane_authority(ssl, nullptr, nullptr) >= 0 ? TlsTrust::dane : TlsTrust::chain;
}

}  // namespace

// OpenSSL's own socket BIO writes without MSG_NOSIGNAL, and keeps errno where others overwrite it.
struct TlsEngine::Wire {
    static int receive(BIO* bio, char* room, int size) {
        auto& transport = *static_cast<Transport*>(::BIO_get_data(bio));
        BIO_clear_retry_flags(bio);
        if (transport.reads_left == 0) {
            BIO_set_retry_read(bio);
            return -1;
        }
        --transport.reads_left;
        const auto count =
            ::recv(transport.socket, room, static_cast<std::size_t>(size), MSG_DONTWAIT);
        if (count < 0 && is_retry()) {
            BIO_set_retry_read(bio);
        } else if (count < 0) {
            transport.error = errno;
        }
        transport.ended = transport.ended || count == 0;
        return static_cast<int>(count);
    }

    static int send(BIO* bio, const char* octets, int size) {
        auto& transport = *static_cast<Transport*>(::BIO_get_data(bio));
        BIO_clear_retry_flags(bio);
        const auto count = ::send(
            transport.socket, octets, static_cast<std::size_t>(size), MSG_DONTWAIT | MSG_NOSIGNAL
        );
        if (count < 0 && is_retry()) {
            BIO_set_retry_write(bio);
        } else if (count < 0) {
            transport.error = errno;
        }
        return static_cast<int>(count);
    }

    static long control(BIO* bio, int command, long, void*) {
        switch (command) {
        case BIO_CTRL_FLUSH:
            return 1;
        case BIO_CTRL_EOF:
            return static_cast<Transport*>(::BIO_get_data(bio))->ended ? 1 : 0;
        default:
            return 0;
        }
    }

    static bool is_retry() { return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR; }

    static BIO_METHOD* method() {
        static const std::unique_ptr<BIO_METHOD, FreeMethod> table = [] {
            const int type = ::BIO_get_new_index() | BIO_TYPE_SOURCE_SINK;
            std::unique_ptr<BIO_METHOD, FreeMethod> made{::BIO_meth_new(type, "siding socket")};
            SIDING_CHECK(made, "no memory for the table of a BIO");
            ::BIO_meth_set_read(made.get(), receive);
            ::BIO_meth_set_write(made.get(), send);
            ::BIO_meth_set_ctrl(made.get(), control);
            return made;
        }();
        return table.get();
    }
};

TlsEngine::TlsEngine(TlsHandle handle, int socket, Keeper keeper)
    : keeper_{std::move(keeper)}, handle_{std::move(handle)} {
    transport_.socket = socket;
    BIO* const bio = ::BIO_new(Wire::method());
    SIDING_CHECK(bio != nullptr, "no memory for a BIO");
    ::BIO_set_data(bio, &transport_);
    ::BIO_set_init(bio, 1);
    ::SSL_set_bio(handle_.get(), bio, bio);
}

TlsEngine::~TlsEngine() = default;

void TlsEngine::begin() {
    ::ERR_clear_error();
    transport_.reads_left = reads_max;
}

TlsEngine::Status TlsEngine::shake_hands() {
    begin();
    return conclude(::SSL_do_handshake(handle_.get()));
}

TlsEngine::Status TlsEngine::read(std::span<char> room, std::size_t& octets) {
    begin();
    return conclude(::SSL_read_ex(handle_.get(), room.data(), room.size(), &octets));
}

TlsEngine::Status TlsEngine::write(std::string_view text, std::size_t& octets) {
    begin();
    return conclude(::SSL_write_ex(handle_.get(), text.data(), text.size(), &octets));
}

TlsEngine::Status TlsEngine::peek() {
    begin();
    char octet = 0;
    std::size_t count = 0;
    return conclude(::SSL_peek_ex(handle_.get(), &octet, 1, &count));
}

void TlsEngine::send_close_notify() {
    const bool is_whole = !failure_ || failure_ == boost::asio::error::eof;
    if (is_whole && ::SSL_is_init_finished(handle_.get()) == 1) {
        begin();
        ::SSL_shutdown(handle_.get());
        ::ERR_clear_error();
    }
}

void TlsEngine::close() {
    send_close_notify();
    transport_.socket = -1;
}

TlsEngine::Status TlsEngine::conclude(int returned) {
    if (returned == 1) {
        return Status::done;
    }
    const int reason = ::SSL_get_error(handle_.get(), returned);
    switch (reason) {
    case SSL_ERROR_WANT_READ:
        return Status::want_read;
    case SSL_ERROR_WANT_WRITE:
        return Status::want_write;
    default:
        // The first failure is the reason; what a broken connection says later is noise.
        if (!failure_ || failure_ == boost::asio::error::eof) {
            failure_ = take_failure(reason);
        }
        ::ERR_clear_error();
        return Status::failed;
    }
}

error_code TlsEngine::take_failure(int reason) const {
    if (reason == SSL_ERROR_ZERO_RETURN) {
        return boost::asio::error::eof;
    }
    if (transport_.error != 0) {
        return {transport_.error, boost::system::system_category()};
    }
    if (const auto code = ::ERR_peek_error(); code != 0) {
        return {static_cast<int>(code), boost::asio::error::get_ssl_category()};
    }
    return boost::asio::error::eof;
}

std::string TlsEngine::failure_detail() const {
    const auto* const fingerprints = TlsFingerprintCheck::of(handle_.get());
    const long verdict = ::SSL_get_verify_result(handle_.get());
    const auto reason = ERR_GET_REASON(static_cast<unsigned long>(failure_.value()));
    if (verdict == X509_V_OK || reason != SSL_R_CERTIFICATE_VERIFY_FAILED ||
        failure_.category() != boost::asio::error::get_ssl_category()) {
        return {};
    }
    if (fingerprints != nullptr) {
        return "its certificate has another fingerprint: " + fingerprints->shown();
    }
    return ::X509_verify_cert_error_string(verdict);
}

TlsFacts TlsEngine::facts() const {
    SSL* const ssl = handle_.get();
    TlsFacts facts;
    facts.version = ::SSL_get_version(ssl);
    const SSL_CIPHER* const cipher = ::SSL_get_current_cipher(ssl);
    facts.cipher = ::SSL_CIPHER_get_name(cipher);
    facts.cipher_bits = ::SSL_CIPHER_get_bits(cipher, nullptr);
    if (const char* const name = ::SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name)) {
        facts.server_name = escape(to_lower(name), TLSEXT_MAXLEN_host_name);
    }
    if (const X509* const certificate = ::SSL_get0_peer_certificate(ssl)) {
        describe_peer(certificate, facts);
        facts.trust = trust_of(ssl);
        facts.peer_verified = facts.trust != TlsTrust::none;
    }
    facts.resumed = ::SSL_session_reused(ssl) == 1;
    return facts;
}

std::vector<std::string> TlsEngine::peer_chain() const {
    std::vector<std::string> chain;
    const auto add = [&chain](const X509* certificate) {
        unsigned char* octets = nullptr;
        const int size = ::i2d_X509(certificate, &octets);
        if (size > 0) {
            chain.emplace_back(
                reinterpret_cast<const char*>(octets), static_cast<std::size_t>(size)
            );
            ::OPENSSL_free(octets);
        }
    };
    // A client sees the server's own certificate in the chain, a server the client's beside it.
    const X509* const own = ::SSL_get0_peer_certificate(handle_.get());
    if (own == nullptr) {
        return chain;
    }
    add(own);
    const STACK_OF(X509)* const shown = ::SSL_get_peer_cert_chain(handle_.get());
    for (int i = 0; i < sk_X509_num(shown); ++i) {
        if (const X509* const next = sk_X509_value(shown, i); ::X509_cmp(next, own) != 0) {
            add(next);
        }
    }
    return chain;
}

}  // namespace siding::net

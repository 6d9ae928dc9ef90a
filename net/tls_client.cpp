#include "net/tls_client.hpp"

#include "net/endpoint.hpp"
#include "net/tls_context.hpp"
#include "net/tls_engine.hpp"
#include "net/tls_fingerprint.hpp"

#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <utility>

namespace siding::net {
namespace {

Result<void> check(const TlsClient::Options& options) {
    const int ways =
        int{options.verify} + int{!options.fingerprints.empty()} + int{!options.tlsa.empty()};
    if (ways > 1) {
        return Error{Errc::invalid_argument, "TLS can trust a server in one way only"};
    }
    if (options.name.empty() && (options.verify || !options.tlsa.empty())) {
        return Error{Errc::invalid_argument, "TLS cannot verify a server without a name"};
    }
    const auto is_usable = [](const TlsaRecord& record) { return record.is_usable(); };
    if (!options.tlsa.empty() && std::ranges::none_of(options.tlsa, is_usable)) {
        return Error{Errc::invalid_argument, "no TLSA record of " + options.name + " can be used"};
    }
    return {};
}

Result<void> read_roots(SSL_CTX* context, const std::optional<std::string>& ca_file) {
    if (ca_file) {
        if (::SSL_CTX_load_verify_file(context, ca_file->c_str()) != 1) {
            return take_tls_error("no root certificate can be read from " + *ca_file);
        }
    } else if (::SSL_CTX_set_default_verify_paths(context) != 1) {
        return take_tls_error("cannot read the system's root certificates");
    }
    return {};
}

bool set_name(SSL* handle, const std::string& name) {
    if (name.empty()) {
        return true;
    }
    if (HostPort{name, 0}.is_literal()) {
        // RFC 6066 §3: no literal address as a server name.
        return ::X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(handle), name.c_str()) == 1;
    }
    return SSL_set_tlsext_host_name(handle, name.c_str()) == 1 &&
           ::SSL_set1_host(handle, name.c_str()) == 1;
}

Result<void> set_tlsa(SSL* handle, const TlsClient::Options& options) {
    if (::SSL_dane_enable(handle, options.name.c_str()) != 1) {
        return take_tls_error("cannot prepare DANE for " + options.name);
    }
    // RFC 7672 §3.1.1: the key alone counts for DANE-EE, neither names nor dates.
    ::SSL_dane_set_flags(handle, DANE_FLAG_NO_DANE_EE_NAMECHECKS);
    for (const std::string& name : options.other_names) {
        if (::SSL_add1_host(handle, name.c_str()) != 1) {
            return take_tls_error("cannot prepare DANE for " + name);
        }
    }
    bool is_any = false;
    for (const TlsaRecord& record : options.tlsa) {
        if (!record.is_usable()) {
            continue;
        }
        const int added = ::SSL_dane_tlsa_add(
            handle,
            record.usage,
            record.selector,
            record.matching,
            reinterpret_cast<const unsigned char*>(record.data.data()),
            record.data.size()
        );
        if (added < 0) {
            return take_tls_error("cannot prepare DANE for " + options.name);
        }
        is_any = is_any || added == 1;
    }
    if (!is_any) {
        const std::string what = "no TLSA record of " + options.name + " can be used";
        return Error{Errc::invalid_argument, what};
    }
    return {};
}

}  // namespace

struct TlsClient::Context {
    Options options;
    TlsContext handle;
};

TlsClient::TlsClient(std::unique_ptr<const Context> context) : context_{std::move(context)} {}
TlsClient::~TlsClient() = default;

Result<std::shared_ptr<TlsClient>> TlsClient::create(Options options) {
    SIDING_TRY(check(options));
    const bool is_pinned = !options.fingerprints.empty();
    const bool is_dane = !options.tlsa.empty();
    const bool is_lenient = !options.verify && !is_dane;
    auto context = std::make_unique<Context>();
    SIDING_ASSIGN(context->handle, make_client_context(is_lenient));
    SSL_CTX* const raw = context->handle.get();
    ::SSL_CTX_set_verify(
        raw, is_lenient && !is_pinned ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, nullptr
    );
    if (is_pinned) {
        TlsFingerprintCheck::install_in(raw);
    } else if (is_dane) {
        if (::SSL_CTX_dane_enable(raw) != 1) {
            return take_tls_error("cannot prepare DANE");
        }
    } else {
        SIDING_TRY(read_roots(raw, options.ca_file));
    }
    context->options = std::move(options);
    return std::shared_ptr<TlsClient>{new TlsClient{std::move(context)}};
}

Result<std::unique_ptr<TlsEngine>> TlsClient::open(int socket) const {
    const Options& options = context_->options;
    TlsHandle handle{::SSL_new(context_->handle.get())};
    if (handle == nullptr || !set_name(handle.get(), options.name)) {
        return take_tls_error("cannot start TLS with " + options.name);
    }
    ::SSL_set_hostflags(handle.get(), X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    std::shared_ptr<TlsFingerprintCheck> fingerprints;
    if (!options.fingerprints.empty()) {
        fingerprints = std::make_shared<TlsFingerprintCheck>(options.fingerprints);
        fingerprints->attach_to(handle.get());
    }
    if (!options.tlsa.empty()) {
        SIDING_TRY(set_tlsa(handle.get(), options));
    }
    ::SSL_set_connect_state(handle.get());
    return std::make_unique<TlsEngine>(std::move(handle), socket, std::move(fingerprints));
}

}  // namespace siding::net

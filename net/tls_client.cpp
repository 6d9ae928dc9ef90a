#include "net/tls_client.hpp"

#include "net/endpoint.hpp"
#include "net/tls_context.hpp"
#include "net/tls_engine.hpp"

#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <utility>

namespace siding::net {

struct TlsClient::Context {
    Options options;
    TlsContext handle;
};

TlsClient::TlsClient(std::unique_ptr<const Context> context) : context_{std::move(context)} {}
TlsClient::~TlsClient() = default;

Result<std::shared_ptr<TlsClient>> TlsClient::create(Options options) {
    if (options.name.empty() && options.verify) {
        return Error{Errc::invalid_argument, "TLS cannot verify a server without a name"};
    }
    auto context = std::make_unique<Context>();
    SIDING_ASSIGN(context->handle, make_client_context(!options.verify));
    SSL_CTX* const raw = context->handle.get();
    ::SSL_CTX_set_verify(raw, options.verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
    if (options.ca_file) {
        if (::SSL_CTX_load_verify_file(raw, options.ca_file->c_str()) != 1) {
            return take_tls_error("no root certificate can be read from " + *options.ca_file);
        }
    } else if (::SSL_CTX_set_default_verify_paths(raw) != 1) {
        return take_tls_error("cannot read the system's root certificates");
    }
    context->options = std::move(options);
    return std::shared_ptr<TlsClient>{new TlsClient{std::move(context)}};
}

Result<std::unique_ptr<TlsEngine>> TlsClient::open(int socket) const {
    TlsHandle handle{::SSL_new(context_->handle.get())};
    const std::string& name = context_->options.name;
    bool ready = handle != nullptr;
    if (ready && HostPort{name, 0}.is_literal()) {
        // RFC 6066 §3: no literal address as a server name.
        ready = ::X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(handle.get()), name.c_str()) == 1;
    } else if (ready && !name.empty()) {
        ready = SSL_set_tlsext_host_name(handle.get(), name.c_str()) == 1 &&
                ::SSL_set1_host(handle.get(), name.c_str()) == 1;
    }
    if (!ready) {
        return take_tls_error("cannot start TLS with " + name);
    }
    ::SSL_set_hostflags(handle.get(), X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    ::SSL_set_connect_state(handle.get());
    return std::make_unique<TlsEngine>(std::move(handle), socket, nullptr);
}

}  // namespace siding::net

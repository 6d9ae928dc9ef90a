#include "net/tls_server.hpp"

#include "base/bytes.hpp"
#include "base/digest.hpp"
#include "net/tls_context.hpp"
#include "net/tls_engine.hpp"
#include "net/tls_identity.hpp"
#include "net/tls_ticket_keys.hpp"

#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <algorithm>
#include <utility>

namespace siding::net {
namespace {

struct FreeStore {
    void operator()(X509_STORE* store) const { ::X509_STORE_free(store); }
};
using Store = std::unique_ptr<X509_STORE, FreeStore>;

// Any client certificate will do; what it is worth is kept as the session's verify result.
int note_chain(X509_STORE_CTX* chain, void*) {
    ::X509_verify_cert(chain);
    return 1;
}

}  // namespace

// Immutable; connections keep it alive.
struct TlsServer::Snapshot {
    Result<void> add(std::string name, const TlsIdentityFiles& files);
    Result<void> prepare(SSL_CTX* context);
    SSL_CTX* context_for(const std::string& server_name) const;
    static int on_server_name(SSL* handle, int* alert, void* snapshot);

    Options options;
    std::shared_ptr<TlsTicketKeys> ticket_keys;
    Store roots;
    std::map<std::string, TlsContext> contexts;  // by name; the default one has the empty name
    std::vector<TlsIdentity> identities;
    std::vector<std::pair<std::string, FileStamp>> files;
};

Result<void> TlsServer::Snapshot::prepare(SSL_CTX* context) {
    ticket_keys->attach_to(context);
    const Digest id = sha256("siding listener " + options.session_context);
    const auto* const octets = reinterpret_cast<const unsigned char*>(id.data());
    if (::SSL_CTX_set_session_id_context(context, octets, static_cast<unsigned>(id.size())) != 1) {
        return take_tls_error("cannot prepare TLS for " + options.session_context);
    }
    SSL_CTX_set_tlsext_servername_callback(context, on_server_name);
    SSL_CTX_set_tlsext_servername_arg(context, this);
    if (options.request_client_certificate) {
        ::SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
        ::SSL_CTX_set_cert_verify_callback(context, note_chain, nullptr);
        ::SSL_CTX_set1_cert_store(context, roots.get());
    }
    return {};
}

Result<void> TlsServer::Snapshot::add(std::string name, const TlsIdentityFiles& of) {
    // Before they are read: a file that is replaced meanwhile must look changed afterwards.
    files.emplace_back(of.certificate, FileStamp::of(of.certificate));
    files.emplace_back(of.key, FileStamp::of(of.key));
    SIDING_ASSIGN(TlsIdentity identity, TlsIdentity::load(of, name));
    SIDING_ASSIGN(TlsContext context, make_server_context(options.tls13_only));
    SIDING_TRY(prepare(context.get()));
    SIDING_TRY(identity.use_in(context.get()));
    identities.push_back(std::move(identity));
    contexts.emplace(std::move(name), std::move(context));
    return {};
}

SSL_CTX* TlsServer::Snapshot::context_for(const std::string& server_name) const {
    auto found = contexts.find(server_name);
    const auto dot = server_name.find('.');
    if (found == contexts.end() && dot != std::string::npos) {
        // RFC 6125 §6.4.3: the star stands for one whole label.
        found = contexts.find("*" + server_name.substr(dot));
    }
    return found == contexts.end() ? nullptr : found->second.get();
}

int TlsServer::Snapshot::on_server_name(SSL* handle, int*, void* snapshot) {
    const char* const name = ::SSL_get_servername(handle, TLSEXT_NAMETYPE_host_name);
    if (name == nullptr || *name == '\0') {
        return SSL_TLSEXT_ERR_NOACK;
    }
    std::string wanted = to_lower(name);
    wanted.resize(wanted.ends_with('.') ? wanted.size() - 1 : wanted.size());
    SSL_CTX* const context = static_cast<const Snapshot*>(snapshot)->context_for(wanted);
    if (context == nullptr) {
        return SSL_TLSEXT_ERR_NOACK;  // RFC 6066 §3: go on, with the default certificate
    }
    ::SSL_set_SSL_CTX(handle, context);
    return SSL_TLSEXT_ERR_OK;
}

TlsServer::TlsServer() : ticket_keys_{std::make_shared<TlsTicketKeys>()} {}
TlsServer::~TlsServer() = default;

Result<std::shared_ptr<TlsServer>> TlsServer::create(Options options) {
    std::shared_ptr<TlsServer> server{new TlsServer};
    SIDING_TRY(server->reload(std::move(options)));
    return server;
}

Result<void> TlsServer::reload(Options options) {
    SIDING_ASSIGN(auto loaded, load(std::move(options)));
    const std::lock_guard lock{mutex_};
    snapshot_ = std::move(loaded);
    return {};
}

Result<std::shared_ptr<const TlsServer::Snapshot>> TlsServer::load(Options options) const {
    if (!options.identity && options.names.empty()) {
        return Error{
            Errc::invalid_argument,
            options.session_context + ": TLS needs a certificate and a key"};
    }
    auto made = std::make_shared<Snapshot>();
    made->options = std::move(options);
    made->ticket_keys = ticket_keys_;
    if (made->options.request_client_certificate) {
        made->roots.reset(::X509_STORE_new());
        if (!made->roots || ::X509_STORE_set_default_paths(made->roots.get()) != 1) {
            return take_tls_error("cannot read the system's root certificates");
        }
    }
    const Options& wanted = made->options;
    SIDING_TRY(made->add({}, wanted.identity ? *wanted.identity : wanted.names.begin()->second));
    for (const auto& [name, files] : wanted.names) {
        SIDING_TRY(made->add(to_lower(name), files));
    }
    return std::shared_ptr<const Snapshot>{std::move(made)};
}

std::shared_ptr<const TlsServer::Snapshot> TlsServer::snapshot() const {
    const std::lock_guard lock{mutex_};
    return snapshot_;
}

bool TlsServer::files_changed() const {
    const auto current = snapshot();
    return std::ranges::any_of(current->files, [](const auto& file) {
        return FileStamp::of(file.first) != file.second;
    });
}

std::optional<WallTime> TlsServer::earliest_expiry() const {
    const auto current = snapshot();
    std::optional<WallTime> earliest;
    for (const TlsIdentity& identity : current->identities) {
        earliest = earliest ? std::min(*earliest, identity.expiry()) : identity.expiry();
    }
    return earliest;
}

std::vector<std::string> TlsServer::warnings() const {
    const auto current = snapshot();
    const WallTime now = SystemClock{}.now();
    std::vector<std::string> all;
    for (const TlsIdentity& identity : current->identities) {
        for (std::string& warning : identity.warnings(now)) {
            if (std::ranges::find(all, warning) == all.end()) {
                all.push_back(std::move(warning));
            }
        }
    }
    return all;
}

Result<std::unique_ptr<TlsEngine>> TlsServer::open(int socket) const {
    auto current = snapshot();
    TlsHandle handle{::SSL_new(current->contexts.find({})->second.get())};
    if (!handle) {
        return take_tls_error("cannot start TLS");
    }
    ::SSL_set_accept_state(handle.get());
    return std::make_unique<TlsEngine>(std::move(handle), socket, std::move(current));
}

}  // namespace siding::net

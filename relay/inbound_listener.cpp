#include "relay/inbound_listener.hpp"

#include "base/log.hpp"
#include "relay/tls_clients.hpp"

#include <algorithm>
#include <utility>

namespace siding::relay {
namespace {

const Logger log{"smtpd"};

net::TlsIdentityFiles to_files(const config::Identity& identity) {
    return {identity.certificate, identity.key};
}

net::TlsServer::Options make_options(
    const config::Tls& tls, const config::Listener& settings, const std::string& name
) {
    net::TlsServer::Options options;
    if (tls.identity) {
        options.identity = to_files(*tls.identity);
    }
    for (const auto& [host, identity] : tls.names) {
        options.names.emplace(host, to_files(identity));
    }
    options.tls13_only = tls.minimum == config::TlsVersion::v1_3;
    options.request_client_certificate = settings.client_certificates;
    options.session_context = name;
    return options;
}

// RFC 8689 §4.2.1: a message that requires TLS may only go to a server that is authenticated, so it
// is only taken where every way out is such a one.
bool can_honour_requiretls(const config::Config& config) {
    return std::ranges::all_of(config.servers, [](const auto& server) {
        return is_authenticated(server.second);
    });
}

smtp::Extensions extensions_of(const config::Listener& settings, const config::Config& config) {
    smtp::Extensions extensions;
    for (const std::string& keyword : settings.extensions.value_or(config.extensions)) {
        if (const auto extension = smtp::parse_extension(keyword)) {
            extensions.add(*extension);
        }
    }
    if (!can_honour_requiretls(config)) {
        extensions.remove(smtp::Extension::requiretls);
    }
    return extensions;
}

}  // namespace

InboundListener::InboundListener(
    config::Listener settings, std::string name, const ListenerMetrics& metrics
)
    : settings_{std::move(settings)}, name_{std::move(name)}, metrics_{metrics} {}

std::shared_ptr<net::TlsServer> InboundListener::tls() const {
    const std::lock_guard lock{mutex_};
    return tls_;
}

void InboundListener::load_tls(const config::Tls& tls, Load when) {
    if (settings_.tls == config::ListenerTls::off) {
        return;
    }
    const std::lock_guard lock{loading_};
    const auto loaded = load(tls, when);
    const std::string problem = loaded ? std::string{} : loaded.error().message();
    if (problem != problem_ && !loaded) {
        log.error("tls_unusable", {{"listener", name_}, {"reason", problem}});
    }
    problem_ = problem;
}

Result<void> InboundListener::load(const config::Tls& tls, Load when) {
    auto server = this->tls();
    // What could not be used is tried again: the files in force are then not those that were
    // wanted.
    const bool is_settled = server != nullptr && problem_.empty();
    if (is_settled && when == Load::if_changed && !server->files_changed()) {
        return {};
    }
    net::TlsServer::Options options = make_options(tls, settings_, name_);
    if (server != nullptr) {
        SIDING_TRY(server->reload(std::move(options)));
    } else {
        SIDING_ASSIGN(server, net::TlsServer::create(std::move(options)));
        const std::lock_guard lock{mutex_};
        tls_ = server;
    }
    const auto expiry = server->earliest_expiry();
    log.info(
        "tls_loaded", {{"listener", name_}, {"expires", expiry ? format_time(*expiry) : "unknown"}}
    );
    for (const std::string& warning : server->warnings()) {
        log.warn("tls_certificate", {{"listener", name_}, {"reason", warning}});
    }
    return {};
}

bool InboundListener::trusts_proxy(const net::Endpoint& peer) const {
    return contains(settings_.proxy_protocol.networks, peer.address);
}

bool InboundListener::trusts_xclient(const net::Endpoint& peer) const {
    return contains(settings_.xclient.networks, peer.address);
}

smtp::ServerOptions InboundListener::dialogue_options(
    const config::Config& config, const net::Endpoint& peer
) const {
    smtp::ServerOptions options;
    options.hostname = config.hostname;
    options.recipients_max = config.limits.recipients;
    options.message_octets_max = config.limits.message_size_bytes;
    options.header_octets_max = config.limits.header_size_bytes;
    options.received_max = config.limits.received;
    options.commands_max = config.limits.commands;
    options.errors_soft = config.limits.soft_errors;
    options.errors_hard = config.limits.hard_errors;
    options.offered = extensions_of(settings_, config);
    options.tls_available = settings_.tls == config::ListenerTls::starttls && tls() != nullptr;
    options.tls_required = settings_.tls_required;
    options.xclient = trusts_xclient(peer);
    options.xclient_required = options.xclient && settings_.xclient.required;
    return options;
}

}  // namespace siding::relay

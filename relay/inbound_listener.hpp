// One listening address as its sessions see it: its settings, its TLS and its counters.
//
// TLS is loaded from files and loaded anew when they change; what cannot be used leaves the last
// good one in force, and without any, STARTTLS is not offered. load_tls() blocks; the rest may be
// called from any thread.
#pragma once

#include "config/config.hpp"
#include "net/endpoint.hpp"
#include "net/tls_server.hpp"
#include "relay/inbound_metrics.hpp"
#include "smtp/server_dialogue.hpp"

#include <memory>
#include <mutex>
#include <string>

namespace siding::relay {

class InboundListener {
public:
    // `metrics` outlives it.
    InboundListener(config::Listener settings, std::string name, const ListenerMetrics& metrics);

    const config::Listener& settings() const { return settings_; }
    const std::string& name() const { return name_; }  // "[::]:25"
    const ListenerMetrics& metrics() const { return metrics_; }

    enum class Load { if_changed, anyway };
    void load_tls(const config::Tls& tls, Load when);

    // Null where TLS is off or no certificate could be used yet.
    std::shared_ptr<net::TlsServer> tls() const;

    // May this peer say who its client is?
    bool trusts_proxy(const net::Endpoint& peer) const;
    bool trusts_xclient(const net::Endpoint& peer) const;

    // What the dialogue of a session with `peer` offers and bears.
    smtp::ServerOptions dialogue_options(const config::Config& config, const net::Endpoint& peer)
        const;

private:
    Result<void> load(const config::Tls& tls, Load when);

    const config::Listener settings_;
    const std::string name_;
    const ListenerMetrics& metrics_;
    std::mutex loading_;   // one load at a time; held on blocking threads only
    std::string problem_;  // the last one logged
    mutable std::mutex mutex_;
    std::shared_ptr<net::TlsServer> tls_;
};

}  // namespace siding::relay

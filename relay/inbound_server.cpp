#include "relay/inbound_server.hpp"

#include "base/limits.hpp"
#include "base/log.hpp"
#include "smtp/reply.hpp"

#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <utility>

namespace siding::relay {
namespace {

const Logger log{"smtpd"};

constexpr std::size_t listeners_max = 64;
constexpr std::size_t sessions_max = 1'000'000;  // limits.connections is the bound, and may change
constexpr std::size_t farewells_max = 256;       // polite 421s under way; beyond that we just close
constexpr std::size_t upkeep_max = 4;
constexpr auto farewell_timeout = std::chrono::seconds{5};
constexpr auto certificate_look_interval = std::chrono::seconds{2};
constexpr auto queueing_reserve = std::chrono::seconds{3};

// The settings for a socket. One that systemd opened is known by its address, else by its port; one
// that fits none is a plain listener, with STARTTLS where there is a certificate.
config::Listener settings_for(
    const config::Config& config, std::size_t index, const net::Endpoint& local
) {
    const auto& listeners = config.listeners;
    const auto same_address = std::ranges::find_if(listeners, [&](const auto& listener) {
        return listener.address.port == local.port && listener.address.host == local.address;
    });
    if (same_address != listeners.end()) {
        return *same_address;
    }
    const auto same_port = std::ranges::find_if(listeners, [&](const auto& listener) {
        return listener.address.port == local.port;
    });
    if (same_port != listeners.end() && index >= listeners.size()) {
        return *same_port;
    }
    if (index < listeners.size()) {
        const config::Listener& listener = listeners[index];
        const bool fits = listener.address.port == 0 || listener.address.port == local.port;
        return fits || same_port == listeners.end() ? listener : *same_port;
    }
    config::Listener plain;
    plain.tls =
        config.tls.has_certificate() ? config::ListenerTls::starttls : config::ListenerTls::off;
    return plain;
}

}  // namespace

InboundServer::InboundServer(Parts parts)
    : runtime_{parts.runtime},
      metrics_{parts.metrics},
      filter_{parts.config, parts.metrics},
      refusals_{parts.queue},
      tally_{parts.metrics},
      upstreams_{make_upstreams(parts, tally_)},
      context_{
          parts.queue,
          parts.config,
          parts.recipients,
          filter_,
          limits_,
          refusals_,
          list_,
          std::move(parts.wake_lane),
          parts.connections_max,
          upstreams_.get()},
      acceptors_{runtime_.io(0), "smtp acceptors", listeners_max},
      sessions_{runtime_.io(0), "smtp sessions", sessions_max},
      farewells_{runtime_.io(0), "smtp farewells", farewells_max},
      upkeep_{runtime_.io(0), "smtp upkeep", upkeep_max} {}

std::unique_ptr<UpstreamPools> InboundServer::make_upstreams(const Parts& parts, PassTally& tally) {
    if (parts.next_hops == nullptr) {
        return nullptr;
    }
    const UpstreamPool::Parts pool{
        parts.queue, parts.config, *parts.next_hops, parts.remaps, tally};
    std::vector<net::asio::any_io_executor> threads;
    for (std::size_t i = 0; i < parts.runtime.io_threads(); ++i) {
        threads.push_back(parts.runtime.io(i));
    }
    return std::make_unique<UpstreamPools>(pool, threads);
}

Result<void> InboundServer::start(std::vector<net::UniqueFd> sockets) {
    const auto config = context_.config.get();
    for (std::size_t i = 0; i < sockets.size(); ++i) {
        SIDING_ASSIGN(
            auto acceptor, net::Acceptor::create(acceptors_.executor(), std::move(sockets[i]))
        );
        const net::Endpoint local = acceptor.local();
        const std::string name = local.text();
        listeners_.push_back(std::make_unique<InboundListener>(
            settings_for(*config, i, local), name, metrics_.of(name)
        ));
        InboundListener& listener = *listeners_.back();
        listener.load_tls(config->tls, InboundListener::Load::anyway);
        addresses_.push_back(local);
        SIDING_TRY(acceptors_.spawn(serve(std::move(acceptor), listener, *this)));
    }
    if (upstreams_ != nullptr) {
        SIDING_TRY(upstreams_->start());
    }
    SIDING_TRY(upkeep_.spawn(refusals_.run()));
    return upkeep_.spawn(watch_certificates(*this));
}

net::awaitable<void> InboundServer::serve(
    net::Acceptor acceptor, const InboundListener& listener, InboundServer& server
) {
    auto on_connection = [&server, &listener](net::Accepted accepted) {
        server.on_connection(std::move(accepted), listener);
    };
    const auto served = co_await acceptor.serve(std::move(on_connection));
    if (!served) {
        log.error("listener_failed", {{"address", listener.name()}, {"reason", served.error()}});
    }
}

void InboundServer::on_connection(net::Accepted accepted, const InboundListener& listener) {
    listener.metrics().connections.add();
    const auto config = context_.config.get();
    const bool speaks_for_others =
        listener.trusts_proxy(accepted.peer) || listener.trusts_xclient(accepted.peer);
    auto answer =
        speaks_for_others
            ? limits_.connect_proxy(config->limits, context_.connections_max)
            : limits_.connect(accepted.peer.address, config->limits, context_.connections_max);
    if (const auto* refusal = std::get_if<ClientLimits::Refusal>(&answer)) {
        refuse(std::move(accepted), listener, *refusal);
        return;
    }
    const auto executor = runtime_.next_io();
    const std::string client = accepted.peer.address;
    auto stream = std::move(accepted).open(executor);
    if (!stream) {
        log.warn("connection_lost", {{"peer", client}, {"reason", stream.error()}});
        return;
    }
    auto seat = std::get<ClientLimits::Seat>(std::move(answer));
    static_cast<void>(sessions_.spawn_on(
        executor, run_inbound_session(std::move(*stream), std::move(seat), listener, context_)
    ));
}

void InboundServer::refuse(
    net::Accepted accepted, const InboundListener& listener, ClientLimits::Refusal refusal
) {
    const std::string client = accepted.peer.address;
    const std::string octets = smtp::format_reply(reply_to(refusal));
    listener.metrics().count_refused(class_of(refusal));
    refusals_.note(class_of(refusal), {.client_address = client, .reply = octets});
    log.info("connection_refused", {{"peer", client}, {"reason", octets}});
    auto stream = std::move(accepted).open(farewells_.executor());
    // Whoever waits for TLS could not read a word.
    if (stream && listener.settings().tls != config::ListenerTls::implicit) {
        listener.metrics().count_replies(octets);
        static_cast<void>(farewells_.spawn(say_no(std::move(*stream), octets)));
    }
}

net::awaitable<void> InboundServer::say_no(net::Stream stream, std::string reply) {
    const std::string_view octets{reply};
    const auto written = co_await stream.write(octets, farewell_timeout);
    if (written) {
        co_await stream.finish(farewell_timeout);
    }
}

net::awaitable<void> InboundServer::watch_certificates(InboundServer& server) {
    net::asio::steady_timer timer{server.upkeep_.executor()};
    const auto state = co_await net::asio::this_coro::cancellation_state;
    // A load does not hear that it is to stop; the next wait would not either.
    while (state.cancelled() == net::asio::cancellation_type::none) {
        timer.expires_after(certificate_look_interval);
        const auto [code] = co_await timer.async_wait(net::use_result);
        if (code) {
            co_return;
        }
        co_await server.load_certificates(InboundListener::Load::if_changed);
    }
}

net::awaitable<void> InboundServer::load_certificates(InboundListener::Load when) {
    auto load = [this, when, config = context_.config.get()] {
        for (const auto& listener : listeners_) {
            listener->load_tls(config->tls, when);
        }
        return true;
    };
    co_await net::run_on(runtime_.blocking(), std::move(load));
}

net::awaitable<void> InboundServer::reload() {
    co_await load_certificates(InboundListener::Load::anyway);
}

// A server that keeps us waiting is left a moment before the end, so that what it has not answered
// is queued and its sender answered.
net::awaitable<bool> InboundServer::drain_sessions(std::chrono::milliseconds deadline) {
    const auto reserve = std::min<std::chrono::milliseconds>(queueing_reserve, deadline / 4);
    const auto drained = co_await sessions_.join(deadline - reserve);
    if (drained) {
        co_return true;
    }
    if (upstreams_ != nullptr) {
        upstreams_->abort();
    }
    const auto at_last = co_await sessions_.join(reserve);
    co_return at_last.has_value();
}

net::awaitable<void> InboundServer::stop(std::chrono::milliseconds deadline) {
    acceptors_.cancel();
    farewells_.cancel();
    co_await acceptors_.join();
    sessions_.cancel();
    const bool drained = co_await drain_sessions(deadline);
    if (!drained) {
        log.warn("sessions_cut_off", {{"sessions", sessions_.count()}});
        sessions_.abort();
        co_await sessions_.join();
    }
    if (upstreams_ != nullptr) {
        co_await upstreams_->stop();
    }
    farewells_.abort();
    co_await farewells_.join();
    // Last: what the sessions refused is written to the ledger.
    upkeep_.cancel();
    co_await upkeep_.join();
}

}  // namespace siding::relay

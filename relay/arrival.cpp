#include "relay/arrival.hpp"

#include "base/log.hpp"
#include "net/network_error.hpp"
#include "net/proxy_reader.hpp"

#include <chrono>
#include <utility>

namespace siding::relay {
namespace {

const Logger log{"smtpd"};

// A peer that may but need not send a PROXY header sends it at once.
constexpr std::chrono::seconds optional_header_timeout{1};

using Header = std::optional<net::ProxyHeader>;

TurnedAway turn_away(RefusalClass reason, std::optional<smtp::Reply> reply, Welcome& welcome) {
    return {reason, std::move(reply), std::move(welcome.client), std::move(welcome.seat)};
}

net::awaitable<Result<Header>> read_header(
    net::Stream& stream,
    net::ReadBuffer& buffer,
    const InboundListener& listener,
    const config::Config& config
) {
    if (!listener.settings().proxy_protocol.required) {
        co_return co_await net::read_optional_proxy_header(stream, buffer, optional_header_timeout);
    }
    auto header = co_await net::read_proxy_header(stream, buffer, config.timeouts.greeting);
    if (header.has_error()) {
        co_return std::move(header).error();
    }
    co_return Header{std::move(*header)};
}

// Whether the client spoke before it was greeted (RFC 5321 §4.3.1); an error when it is gone.
net::awaitable<Result<bool>> speaks_early(
    net::Stream& stream, net::ReadBuffer& buffer, std::chrono::milliseconds delay
) {
    if (delay.count() > 0) {
        const auto waited = co_await stream.wait_input(delay);
        if (!waited && !net::is_timeout(waited.error())) {
            co_return waited.error();
        }
    }
    if (buffer.empty() && stream.has_input()) {
        SIDING_CO_TRY(co_await stream.fill(buffer, std::chrono::seconds{1}));
    }
    co_return !buffer.empty();
}

net::awaitable<std::optional<Arrival>> take_proxy_header(
    net::Stream& stream,
    net::ReadBuffer& buffer,
    Welcome& welcome,
    const InboundListener& listener,
    ClientLimits& limits,
    const config::Config& config
) {
    auto header = co_await read_header(stream, buffer, listener, config);
    std::optional<Arrival> end;
    if (header.has_error()) {
        if (net::is_closed(header.error()) || net::is_cancelled(header.error())) {
            end = Gone{};
            co_return end;
        }
        log.warn(
            "proxy_header_refused",
            {{"peer", welcome.client.endpoint.address}, {"reason", header.error()}}
        );
        smtp::Reply reply{421, {4, 3, 2}, "PROXY header missing or malformed"};
        end = turn_away(RefusalClass::bad_proxy, std::move(reply), welcome);
        co_return end;
    }
    if (*header && !(*header)->local) {
        welcome.client.proxy_address = welcome.client.endpoint.address;
        welcome.client.endpoint = (*header)->source;
        stream.set_peer(welcome.client.endpoint);
    }
    if (listener.trusts_xclient(welcome.client.endpoint)) {
        co_return end;  // it will name another one still
    }
    const std::string& address = welcome.client.endpoint.address;
    if (const auto refusal = limits.reseat(welcome.seat, address, config.limits)) {
        end = turn_away(class_of(*refusal), reply_to(*refusal), welcome);
    }
    co_return end;
}

net::awaitable<std::optional<Arrival>> start_implicit_tls(
    net::Stream& stream,
    Welcome& welcome,
    const InboundListener& listener,
    const config::Config& config
) {
    std::optional<Arrival> end;
    auto tls = listener.tls();
    if (tls == nullptr) {
        // There is no way to say anything to a client that waits for TLS.
        end = turn_away(RefusalClass::tls_failed, std::nullopt, welcome);
        co_return end;
    }
    const auto started = co_await stream.start_tls(std::move(tls), config.timeouts.greeting);
    if (started) {
        listener.metrics().count_tls_handshake(stream.tls().version);
        co_return end;
    }
    if (net::is_cancelled(started.error())) {
        end = Gone{};
        co_return end;
    }
    listener.metrics().tls_failures.add();
    log.info(
        "tls_failed", {{"peer", welcome.client.endpoint.address}, {"reason", started.error()}}
    );
    end = turn_away(RefusalClass::tls_failed, std::nullopt, welcome);
    co_return end;
}

}  // namespace

net::awaitable<Arrival> arrive(
    net::Stream& stream,
    net::ReadBuffer& buffer,
    ClientLimits::Seat seat,
    const InboundListener& listener,
    ClientLimits& limits,
    const config::Config& config
) {
    Welcome welcome;
    welcome.client = Client{stream.peer()};
    welcome.seat = std::move(seat);
    if (listener.trusts_proxy(welcome.client.endpoint)) {
        auto end = co_await take_proxy_header(stream, buffer, welcome, listener, limits, config);
        if (end) {
            co_return std::move(*end);
        }
    }
    const bool is_direct = welcome.client.proxy_address.empty();
    if (listener.settings().tls == config::ListenerTls::implicit) {
        auto end = co_await start_implicit_tls(stream, welcome, listener, config);
        if (end) {
            co_return std::move(*end);
        }
    } else if (is_direct && config.early_talkers != config::EarlyTalkers::ignore) {
        const auto early = co_await speaks_early(stream, buffer, config.greeting_delay);
        if (!early) {
            co_return Arrival{Gone{}};
        }
        welcome.spoke_early = *early;
    }
    if (listener.settings().tls_required && listener.tls() == nullptr) {
        smtp::Reply reply{421, {4, 7, 0}, "TLS is not available now, try again later"};
        co_return Arrival{turn_away(RefusalClass::tls_failed, std::move(reply), welcome)};
    }
    co_return Arrival{std::move(welcome)};
}

}  // namespace siding::relay

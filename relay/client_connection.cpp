// ClientConnection: what callers ask of it, and how a session comes to stand.
#include "relay/client_connection.hpp"

#include "base/log.hpp"
#include "net/connect.hpp"
#include "net/network_error.hpp"
#include "net/proxy_protocol.hpp"
#include "relay/client_waiter.hpp"

#include <utility>

namespace siding::relay {
namespace {

const Logger log{"smtp"};

smtp::ClientTls client_tls_of(config::ServerTls tls) {
    switch (tls) {
    case config::ServerTls::off:
        return smtp::ClientTls::off;
    case config::ServerTls::opportunistic:
        return smtp::ClientTls::opportunistic;
    case config::ServerTls::required:
    case config::ServerTls::verify:
    case config::ServerTls::fingerprint:
    case config::ServerTls::dane:  // TlsClients sees to the certificate
        return smtp::ClientTls::required;
    }
    return smtp::ClientTls::required;
}

std::optional<smtp::SaslMechanism> mechanism_of(config::Auth::Mechanism mechanism) {
    switch (mechanism) {
    case config::Auth::Mechanism::automatic:
        return std::nullopt;
    case config::Auth::Mechanism::plain:
        return smtp::SaslMechanism::plain;
    case config::Auth::Mechanism::login:
        return smtp::SaslMechanism::login;
    case config::Auth::Mechanism::xoauth2:
        return smtp::SaslMechanism::xoauth2;
    }
    return std::nullopt;
}

bool is_loopback(const net::Endpoint& peer) {
    return peer.address.starts_with("127.") || peer.address == "::1";
}

// A wrong password is as wrong at the next address, and may lock the account.
bool is_about_login(const smtp::Verdict& failure) {
    return failure.reply && (failure.reply->code == 535 || failure.reply->code == 534);
}

}  // namespace

// An address that is known, or a name to ask the system about.
struct ClientConnection::Target {
    explicit Target(Candidate known) : candidate{std::move(known)} {}
    explicit Target(const config::Endpoint& named) : host{named.host, named.port} {}

    std::optional<Candidate> candidate;
    net::HostPort host;
};

ClientConnection::ClientConnection(TlsClients& tls_clients, std::string hostname)
    : tls_clients_{tls_clients},
      hostname_{std::move(hostname)},
      dialogue_{smtp::ClientOptions{.hostname = hostname_}} {}

ClientConnection::~ClientConnection() = default;

net::awaitable<std::optional<smtp::Verdict>> ClientConnection::open(
    const config::Server& server,
    const std::vector<Candidate>& candidates,
    std::optional<net::Endpoint> client
) {
    server_ = server;
    client_ = std::move(client);
    std::vector<Target> targets;
    for (const Candidate& candidate : candidates) {
        targets.emplace_back(candidate);
    }
    auto failure = co_await open_one_of(std::move(targets));
    co_return failure;
}

net::awaitable<std::optional<smtp::Verdict>> ClientConnection::open(const config::Server& server) {
    server_ = server;
    client_.reset();
    std::vector<Target> targets;
    targets.emplace_back(server.address);
    for (const config::Endpoint& fallback : server.fallback) {
        targets.emplace_back(fallback);
    }
    auto failure = co_await open_one_of(std::move(targets));
    co_return failure;
}

net::awaitable<std::optional<smtp::Verdict>> ClientConnection::open_one_of(
    std::vector<Target> targets
) {
    const auto ready = co_await read_credentials();
    if (!ready) {
        co_return smtp::judge_loss(smtp::Stage::connect, ready.error().message());
    }
    std::optional<smtp::Verdict> failure =
        smtp::judge_loss(smtp::Stage::connect, "the server has no address");
    for (const Target& target : targets) {
        failure = co_await open_at(target);
        if (!failure || is_about_login(*failure)) {
            break;
        }
        const auto state = co_await net::asio::this_coro::cancellation_state;
        if (state.cancelled() != net::asio::cancellation_type::none) {
            break;
        }
        log.debug("address_failed", {{"peer", peer_}, {"reason", failure->text}});
    }
    co_return failure;
}

net::awaitable<Result<void>> ClientConnection::read_credentials() {
    credentials_.reset();
    if (server_.auth) {
        auto secret = co_await tls_clients_.read_secret(server_.auth->secret_file);
        if (!secret) {
            co_return std::move(secret).error();
        }
        credentials_.emplace();
        credentials_->user = server_.auth->user;
        credentials_->secret = std::move(*secret);
        credentials_->mechanism = mechanism_of(server_.auth->mechanism);
    }
    co_return Result<void>{};
}

net::awaitable<std::optional<smtp::Verdict>> ClientConnection::open_at(const Target& target) {
    peer_ = target.candidate ? target.candidate->address.text() : target.host.text();
    if (server_.tls != config::ServerTls::off) {
        Candidate named;
        named.name = target.host.host;
        const Candidate& candidate = target.candidate ? *target.candidate : named;
        auto client = co_await tls_clients_.get(server_, candidate);
        if (!client) {
            co_return smtp::judge_loss(smtp::Stage::connect, client.error().message());
        }
        tls_client_ = std::move(*client);
    }
    auto failure = co_await connect(target, client_tls_of(server_.tls));
    if (failure && dialogue_.may_go_without_tls()) {
        log.warn("tls_failed", {{"peer", peer_}, {"reason", failure->text}, {"next", "no TLS"}});
        failure = co_await connect(target, smtp::ClientTls::off);
    }
    co_return failure;
}

net::awaitable<Result<net::Stream>> ClientConnection::reach(const Target& target) {
    net::ConnectOptions options;
    options.timeout = server_.connect_timeout;
    options.source_addresses = server_.source;
    if (target.candidate) {
        std::vector<net::Endpoint> addresses{target.candidate->address};
        auto stream = co_await net::connect(std::move(addresses), std::move(options));
        co_return stream;
    }
    net::HostPort host{target.host};
    auto stream = co_await net::connect(std::move(host), std::move(options));
    co_return stream;
}

net::awaitable<std::optional<smtp::Verdict>> ClientConnection::connect(
    const Target& target, smtp::ClientTls tls
) {
    shut();
    parser_ = {};
    early_.clear();
    tls_.clear();
    ends_.clear();
    wants_tls_ = false;
    may_write_ = true;
    session_failure_.reset();
    smtp::ClientOptions options{.hostname = hostname_};
    options.tls = tls;
    options.use_xclient = server_.xclient;
    options.credentials = credentials_;
    dialogue_ = smtp::ClientDialogue{options};  // also where nobody can be reached
    auto stream = co_await reach(target);
    if (!stream) {
        co_return smtp::judge_loss(smtp::Stage::connect, stream.error().message());
    }
    stream_ = std::move(*stream);
    is_open_ = true;
    peer_ = stream_->peer().text();
    options.may_log_in_without_tls = is_loopback(stream_->peer());
    dialogue_ = smtp::ClientDialogue{std::move(options)};
    if (server_.proxy_protocol) {
        put_out(net::format_proxy_v2(client_.value_or(net::Endpoint{}), stream_->peer()));
    }
    smtp::ClientStep first = dialogue_.on_connected();
    co_await run_session(std::move(first));
    co_return std::exchange(session_failure_, std::nullopt);
}

// Until the session is ready or over.
net::awaitable<void> ClientConnection::run_session(smtp::ClientStep first) {
    const auto executor = co_await net::asio::this_coro::executor;
    Waiter me{executor, 0};
    session_ = &me;
    waiters_.push_back(&me);
    apply(std::move(first));
    co_await drive(me);
    session_ = nullptr;
}

net::awaitable<std::vector<smtp::Verdict>> ClientConnection::send(
    smtp::Transaction transaction, OutgoingBody& body
) {
    const auto executor = co_await net::asio::this_coro::executor;
    Waiter me{executor, ++last_ticket_};
    me.body = &body;
    me.octets = transaction.octets;
    waiters_.push_back(&me);
    apply(dialogue_.begin(std::move(transaction), me.ticket));
    co_await drive(me);
    co_return std::move(me.verdicts);
}

net::awaitable<std::vector<smtp::Verdict>> ClientConnection::probe(smtp::Probe probe) {
    const auto executor = co_await net::asio::this_coro::executor;
    Waiter me{executor, ++last_ticket_};
    waiters_.push_back(&me);
    apply(dialogue_.probe(std::move(probe), me.ticket));
    co_await drive(me);
    co_return std::move(me.verdicts);
}

net::awaitable<smtp::Verdict> ClientConnection::rcpt(
    const smtp::Transaction& head, smtp::Transaction::Recipient recipient
) {
    const auto executor = co_await net::asio::this_coro::executor;
    Waiter me{executor, ++last_ticket_};
    waiters_.push_back(&me);
    apply(dialogue_.rcpt(head, std::move(recipient), me.ticket));
    co_await drive(me);
    co_return std::move(me.verdicts.at(0));
}

net::awaitable<std::vector<smtp::Verdict>> ClientConnection::finish(
    std::uint64_t octets, OutgoingBody& body
) {
    const auto executor = co_await net::asio::this_coro::executor;
    Waiter me{executor, ++last_ticket_};
    me.body = &body;
    me.octets = octets;
    waiters_.push_back(&me);
    apply(dialogue_.finish(octets, me.ticket));
    co_await drive(me);
    co_return std::move(me.verdicts);
}

net::awaitable<void> ClientConnection::reset() {
    const auto executor = co_await net::asio::this_coro::executor;
    Waiter me{executor, ++last_ticket_};
    waiters_.push_back(&me);
    apply(dialogue_.reset(me.ticket));
    co_await drive(me);
}

net::awaitable<void> ClientConnection::close() {
    if (is_idle() && is_open_ && !stream_->has_input()) {
        smtp::ClientStep step = dialogue_.quit();
        co_await run_session(std::move(step));
    }
    shut();
}

bool ClientConnection::is_usable() const {
    if (!is_open_ || !dialogue_.is_open() || dialogue_.is_spent()) {
        return false;
    }
    return !waiters_.empty() ||
           (dialogue_.is_ready() && parser_.is_between_replies() && !stream_->has_input());
}

bool ClientConnection::is_idle() const {
    return waiters_.empty() && dialogue_.is_ready();
}

bool ClientConnection::leads_to(const config::Server& server) const {
    return server.address == server_.address && server.fallback == server_.fallback &&
           server.mx == server_.mx && server.source == server_.source &&
           server.tls == server_.tls && server.tls_name == server_.tls_name &&
           server.ca_file == server_.ca_file &&
           server.tls_fingerprints == server_.tls_fingerprints && server.auth == server_.auth &&
           server.xclient == server_.xclient && server.proxy_protocol == server_.proxy_protocol;
}

bool ClientConnection::speaks_for(const std::optional<net::Endpoint>& client) const {
    const auto address = [](const std::optional<net::Endpoint>& one) {
        return one ? one->address : std::string{};
    };
    return !server_.proxy_protocol || address(client) == address(client_);
}

}  // namespace siding::relay

#include "relay/client_connection.hpp"

#include "base/bytes.hpp"
#include "base/limits.hpp"
#include "base/log.hpp"
#include "net/connect.hpp"

#include <array>
#include <utility>

namespace siding::relay {
namespace {

const Logger log{"smtp"};

// RFC 5321 §4.5.3.2.
std::chrono::milliseconds timeout_of(smtp::Wait wait) {
    switch (wait) {
    case smtp::Wait::greeting:
    case smtp::Wait::hello:
        return limits::greeting_timeout;
    case smtp::Wait::mail:
        return limits::mail_timeout;
    case smtp::Wait::rcpt:
        return limits::rcpt_timeout;
    case smtp::Wait::data:
        return limits::data_timeout;
    case smtp::Wait::end_of_data:
        return limits::data_done_timeout;
    case smtp::Wait::quit:
        return limits::quit_timeout;
    }
    return limits::mail_timeout;
}

smtp::ClientTls client_tls_of(config::ServerTls tls) {
    switch (tls) {
    case config::ServerTls::off:
        return smtp::ClientTls::off;
    case config::ServerTls::opportunistic:
        return smtp::ClientTls::opportunistic;
    case config::ServerTls::required:
    case config::ServerTls::verify:  // TlsClients sees to the certificate
        return smtp::ClientTls::required;
    }
    return smtp::ClientTls::required;
}

// The step behind the body; mail data stays out of the log.
bool carries_mail_data(const smtp::ClientStep& step) {
    const auto* read = std::get_if<smtp::client_action::ReadReply>(&step.action);
    return read != nullptr && read->wait == smtp::Wait::end_of_data;
}

}  // namespace

ClientConnection::ClientConnection(TlsClients& tls_clients, std::string hostname)
    : tls_clients_{tls_clients},
      hostname_{std::move(hostname)},
      dialogue_{smtp::ClientOptions{.hostname = hostname_}} {}

net::awaitable<std::optional<smtp::Verdict>> ClientConnection::open(const config::Server& server) {
    server_ = server;
    if (server_.tls != config::ServerTls::off) {
        auto client = co_await tls_clients_.get(server_);
        if (!client) {
            co_return smtp::judge_loss(smtp::Stage::connect, client.error().message());
        }
        tls_client_ = std::move(*client);
    }
    auto failure = co_await connect(client_tls_of(server_.tls));
    if (failure && dialogue_.may_go_without_tls()) {
        log.warn("tls_failed", {{"peer", peer_}, {"reason", failure->text}, {"next", "no TLS"}});
        failure = co_await connect(smtp::ClientTls::off);
    }
    co_return failure;
}

net::awaitable<std::optional<smtp::Verdict>> ClientConnection::connect(smtp::ClientTls tls) {
    dialogue_ = smtp::ClientDialogue{smtp::ClientOptions{.hostname = hostname_, .tls = tls}};
    parser_ = {};
    unread_.clear();
    net::ConnectOptions options;
    options.timeout = server_.connect_timeout;
    net::HostPort target{server_.address.host, server_.address.port};
    auto stream = co_await net::connect(std::move(target), std::move(options));
    if (!stream) {
        co_return smtp::judge_loss(smtp::Stage::connect, stream.error().message());
    }
    stream_ = std::move(*stream);
    peer_ = stream_->peer().text();
    smtp::ClientStep first = dialogue_.on_connected();
    smtp::ClientStep step = co_await perform(std::move(first));
    co_return std::move(step.session_failure);
}

net::awaitable<std::vector<smtp::Verdict>> ClientConnection::send(
    smtp::Transaction transaction, BodySource& source
) {
    source_ = &source;
    smtp::ClientStep first = dialogue_.begin(std::move(transaction));
    smtp::ClientStep step = co_await perform(std::move(first));
    source_ = nullptr;
    co_return std::move(step.verdicts);
}

net::awaitable<std::vector<smtp::Verdict>> ClientConnection::probe(smtp::Probe probe) {
    smtp::ClientStep first = dialogue_.probe(std::move(probe));
    smtp::ClientStep step = co_await perform(std::move(first));
    co_return std::move(step.verdicts);
}

net::awaitable<void> ClientConnection::close() {
    if (is_idle()) {
        smtp::ClientStep first = dialogue_.quit();
        static_cast<void>(co_await perform(std::move(first)));
    }
    stream_.reset();
}

bool ClientConnection::is_idle() const {
    return stream_ && dialogue_.is_ready() && unread_.empty() && !stream_->has_input();
}

bool ClientConnection::leads_to(const config::Server& server) const {
    return server.address == server_.address && server.tls == server_.tls &&
           server.tls_name == server_.tls_name && server.ca_file == server_.ca_file;
}

// Until the dialogue is ready for the next transaction or is done with the connection.
net::awaitable<smtp::ClientStep> ClientConnection::perform(smtp::ClientStep step) {
    std::vector<smtp::Verdict> verdicts;
    for (;;) {
        if (!step.verdicts.empty()) {
            verdicts = std::move(step.verdicts);
        }
        if (!step.output.empty()) {
            if (Logger::enabled(LogLevel::trace) && !carries_mail_data(step)) {
                log.trace("out", {{"peer", peer_}, {"octets", step.output}});
            }
            const auto sent = co_await stream_->write(step.output, limits::data_send_timeout);
            const bool is_last = std::holds_alternative<smtp::client_action::Close>(step.action);
            if (!sent && !is_last) {
                step = dialogue_.on_lost(sent.error().message());
                continue;
            }
        }
        if (std::holds_alternative<smtp::client_action::Ready>(step.action)) {
            break;
        }
        if (std::holds_alternative<smtp::client_action::Close>(step.action)) {
            stream_->close();
            stream_.reset();
            break;
        }
        step = co_await advance(step.action);
    }
    step.verdicts = std::move(verdicts);
    co_return step;
}

net::awaitable<smtp::ClientStep> ClientConnection::advance(smtp::ClientAction action) {
    if (std::holds_alternative<smtp::client_action::StartTls>(action)) {
        co_return co_await start_tls();
    }
    if (const auto* body = std::get_if<smtp::client_action::SendBody>(&action)) {
        co_return co_await send_body(body->is_chunked);
    }
    auto reply =
        co_await read_reply(timeout_of(std::get<smtp::client_action::ReadReply>(action).wait));
    co_return reply ? dialogue_.on_reply(std::move(*reply))
                    : dialogue_.on_lost(reply.error().message());
}

net::awaitable<Result<smtp::Reply>> ClientConnection::read_reply(std::chrono::milliseconds timeout
) {
    std::array<char, limits::reply_line_octets_max> room{};
    for (;;) {
        if (unread_.empty()) {
            SIDING_CO_ASSIGN(
                const std::size_t got,
                co_await stream_->read_some(room, timeout, net::OnCancel::finish)
            );
            unread_.assign(room.data(), got);
        }
        const auto fed = parser_.feed(unread_);
        unread_.erase(0, fed.consumed);
        if (fed.status == smtp::ReplyParser::Status::malformed) {
            co_return Error{
                Errc::invalid_argument, "malformed reply: " + escape(parser_.line(), 128)};
        }
        if (fed.status == smtp::ReplyParser::Status::complete) {
            smtp::Reply reply = parser_.take();
            if (Logger::enabled(LogLevel::trace)) {
                log.trace("in", {{"peer", peer_}, {"reply", reply.text()}});
            }
            co_return reply;
        }
    }
}

// In TLS the client speaks first, so whatever is there before it does was not meant to be seen as
// what it is.
net::awaitable<smtp::ClientStep> ClientConnection::start_tls() {
    bool is_early = !unread_.empty();
    if (!is_early && stream_->has_input()) {
        std::array<char, 1> room{};
        const auto got =
            co_await stream_->read_some(room, limits::quit_timeout, net::OnCancel::finish);
        if (!got) {
            co_return dialogue_.on_lost(got.error().message());
        }
        is_early = true;
    }
    if (is_early) {
        log.warn("starttls_injection", {{"peer", peer_}, {"octets", escape(unread_, 128)}});
        co_return dialogue_.on_early_octets();
    }
    const auto started = co_await stream_->start_tls(tls_client_, limits::tls_handshake_timeout);
    if (!started) {
        co_return dialogue_.on_lost(started.error().message());
    }
    const net::TlsFacts& facts = stream_->tls();
    log.debug(
        "tls_started",
        {{"peer", peer_},
         {"version", facts.version},
         {"cipher", facts.cipher},
         {"verified", facts.peer_verified}}
    );
    co_return dialogue_.on_tls_started(facts.peer_verified);
}

net::awaitable<smtp::ClientStep> ClientConnection::send_body(bool is_chunked) {
    auto last = co_await source_->write_body(*stream_, is_chunked);
    if (!last) {
        co_return dialogue_.on_lost(last.error().message());
    }
    co_return dialogue_.on_body_end(std::move(*last));
}

}  // namespace siding::relay

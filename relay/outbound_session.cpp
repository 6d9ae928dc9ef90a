#include "relay/outbound_session.hpp"

#include "base/bytes.hpp"
#include "base/digest.hpp"
#include "base/limits.hpp"
#include "base/log.hpp"
#include "net/connect.hpp"

#include <array>

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

// The step behind the body; mail data stays out of the log.
bool carries_mail_data(const smtp::ClientStep& step) {
    const auto* read = std::get_if<smtp::client_action::ReadReply>(&step.action);
    return read != nullptr && read->wait == smtp::Wait::end_of_data;
}

}  // namespace

net::awaitable<std::optional<smtp::Verdict>> OutboundSession::open(const config::Server& server) {
    net::ConnectOptions options;
    options.timeout = server.connect_timeout;
    target_ = server.address;
    net::HostPort target{target_.host, target_.port};
    auto stream = co_await net::connect(std::move(target), std::move(options));
    if (!stream) {
        co_return smtp::judge_loss(smtp::Stage::connect, stream.error().message());
    }
    stream_ = std::move(*stream);
    peer_ = stream_->peer().text();
    smtp::ClientStep step = co_await perform(dialogue_.on_connected());
    co_return std::move(step.session_failure);
}

net::awaitable<std::vector<smtp::Verdict>> OutboundSession::send(
    const queue::Envelope& envelope, std::string_view first_chunk, smtp::Transaction transaction
) {
    envelope_ = &envelope;
    first_chunk_ = first_chunk;
    body_error_.reset();
    smtp::ClientStep step = co_await perform(dialogue_.begin(std::move(transaction)));
    envelope_ = nullptr;
    co_return std::move(step.verdicts);
}

net::awaitable<void> OutboundSession::close() {
    if (is_usable()) {
        static_cast<void>(co_await perform(dialogue_.quit()));
    }
    stream_.reset();
}

bool OutboundSession::is_usable() const {
    return stream_ && dialogue_.is_ready() && unread_.empty() && !stream_->has_input();
}

// Until the dialogue is ready for the next transaction or is done with the connection.
net::awaitable<smtp::ClientStep> OutboundSession::perform(smtp::ClientStep step) {
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
            if (!sent) {
                step = dialogue_.on_lost(sent.error().message());
                continue;
            }
        }
        if (const auto* read = std::get_if<smtp::client_action::ReadReply>(&step.action)) {
            auto reply = co_await read_reply(timeout_of(read->wait));
            step = reply ? dialogue_.on_reply(std::move(*reply))
                         : dialogue_.on_lost(reply.error().message());
        } else if (std::holds_alternative<smtp::client_action::SendBody>(step.action)) {
            step = co_await send_body();
        } else {
            break;
        }
    }
    if (std::holds_alternative<smtp::client_action::Close>(step.action)) {
        stream_->close();
        stream_.reset();
    }
    step.verdicts = std::move(verdicts);
    co_return step;
}

net::awaitable<Result<smtp::Reply>> OutboundSession::read_reply(std::chrono::milliseconds timeout) {
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

// All but the last octets go out from here; those go through the dialogue, which marks the point of
// no return.
net::awaitable<smtp::ClientStep> OutboundSession::send_body() {
    smtp::DataEncoder encoder;
    auto rest = co_await encode_body(encoder);
    if (!rest) {
        co_return dialogue_.on_lost(rest.error().message());
    }
    encoder.finish(*rest);
    co_return dialogue_.on_body_end(std::move(*rest));
}

// Trace header and stored octets, chunk by chunk; gives back what is not sent yet. A body that does
// not match its digest is an error before its end is sent, so a changed message is never delivered.
net::awaitable<Result<std::string>> OutboundSession::encode_body(smtp::DataEncoder& encoder) {
    const std::uint32_t chunks = envelope_->body.chunks;
    std::string wire;
    encoder.encode(envelope_->trace_header, wire);
    encoder.encode(first_chunk_, wire);
    if (chunks == 1) {
        co_return wire;  // whoever read it has checked it
    }
    Sha256 digest;
    digest.update(first_chunk_);
    for (std::uint32_t chunk = 1; chunk < chunks; ++chunk) {
        SIDING_CO_TRY(co_await stream_->write(wire, limits::data_send_timeout));
        wire.clear();
        auto read = [id = envelope_->id, chunk](const queue::Store& store) {
            return store.read_body_chunk(id, chunk);
        };
        const auto octets = co_await queue_.read(read);
        if (!octets) {
            body_error_ = octets.error();
            co_return octets.error();
        }
        digest.update(*octets);
        encoder.encode(*octets, wire);
    }
    if (digest.finish() != envelope_->body.sha256) {
        body_error_ = Error{Errc::corrupt, "stored octets do not match their SHA-256"};
        co_return *body_error_;
    }
    co_return wire;
}

}  // namespace siding::relay

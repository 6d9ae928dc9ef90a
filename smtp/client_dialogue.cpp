// ClientDialogue, the session: greeting, EHLO, STARTTLS, goodbye.
#include "smtp/client_dialogue.hpp"

#include "base/check.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace siding::smtp {

using client_action::Close;
using client_action::ReadReply;
using client_action::Ready;
using client_action::StartTls;

ClientStep ClientDialogue::on_connected() {
    SIDING_CHECK(state_ == State::fresh, "connected twice");
    state_ = State::greeting;
    return ClientStep{{}, ReadReply{Wait::greeting}, {}, {}};
}

ClientStep ClientDialogue::quit() {
    SIDING_CHECK(state_ == State::ready, "quit while the connection is not ready");
    state_ = State::quitting;
    return ClientStep{"QUIT\r\n", ReadReply{Wait::quit}, {}, {}};
}

ClientStep ClientDialogue::on_reply(Reply reply) {
    switch (state_) {
    case State::greeting:
        return on_greeting(reply);
    case State::ehlo:
    case State::helo:
        return on_hello(reply);
    case State::starttls:
        return on_starttls_reply(reply);
    case State::handshake:
        return on_early_octets();
    case State::commands:
        return on_command_reply(std::move(reply));
    case State::body:
        return fail_transaction(judge_reply(Stage::body, std::move(reply)));
    case State::end_of_data:
        return on_final_reply(std::move(reply));
    case State::ready:  // unasked: the server says goodbye
    case State::quitting:
    case State::closed:
        return close();
    case State::fresh:
        break;
    }
    SIDING_UNREACHABLE("a reply before the connection");
}

ClientStep ClientDialogue::on_lost(std::string what) {
    switch (state_) {
    case State::fresh:
    case State::greeting:
    case State::ehlo:
    case State::helo:
        return fail_session(judge_loss(stage(), std::move(what)));
    case State::starttls:
    case State::handshake:
        return fail_tls(std::move(what));
    case State::commands:
    case State::body:
    case State::end_of_data:
        return fail_transaction(judge_loss(stage(), std::move(what)));
    case State::ready:
    case State::quitting:
    case State::closed:
        break;
    }
    return close();
}

std::size_t ClientDialogue::recipients_max() const {
    constexpr std::uint64_t no_limit = std::numeric_limits<std::size_t>::max();
    return std::max<std::size_t>(hop_.extensions.rcpt_max().value_or(no_limit), 1);
}

bool ClientDialogue::is_spent() const {
    const auto mails_max = hop_.extensions.mail_max();
    return mails_max && mails_ >= std::max<std::uint64_t>(*mails_max, 1);
}

ClientStep ClientDialogue::on_greeting(const Reply& reply) {
    if (!reply.is_positive()) {
        return fail_session(judge_reply(Stage::greeting, reply));
    }
    state_ = State::ehlo;
    return ClientStep{"EHLO " + options_.hostname + "\r\n", ReadReply{Wait::hello}, {}, {}};
}

ClientStep ClientDialogue::on_hello(const Reply& reply) {
    if (reply.is_positive()) {
        hop_.extensions = state_ == State::ehlo ? parse_ehlo_reply(reply) : Extensions{};
        return on_hello_done();
    }
    if (state_ == State::ehlo && reply.is_permanent()) {  // RFC 5321 §3.2
        state_ = State::helo;
        return ClientStep{"HELO " + options_.hostname + "\r\n", ReadReply{Wait::hello}, {}, {}};
    }
    return fail_session(judge_reply(Stage::hello, reply));
}

ClientStep ClientDialogue::on_hello_done() {
    if (!hop_.is_tls && options_.tls != ClientTls::off) {
        if (hop_.extensions.has(Extension::starttls)) {
            state_ = State::starttls;
            return ClientStep{"STARTTLS\r\n", ReadReply{Wait::hello}, {}, {}};
        }
        if (options_.tls == ClientTls::required) {
            ClientStep step = fail_tls("TLS is required and the server does not offer STARTTLS");
            step.output = "QUIT\r\n";
            return step;
        }
    }
    state_ = State::ready;
    return ClientStep{{}, Ready{}, {}, {}};
}

// RFC 3207 §4: 220, 454 (not now) or a refusal.
ClientStep ClientDialogue::on_starttls_reply(const Reply& reply) {
    if (reply.code == 220) {
        state_ = State::handshake;
        return ClientStep{{}, StartTls{}, {}, {}};
    }
    const bool is_refusal = reply.is_transient() || reply.is_permanent();
    if (!is_refusal) {  // we no longer know what the server thinks
        return fail_tls("the answer to STARTTLS was " + reply.text());
    }
    if (reply.is_closing() || options_.tls == ClientTls::required) {
        return fail_session(judge_reply(Stage::hello, reply));
    }
    state_ = State::ready;
    return ClientStep{{}, Ready{}, {}, {}};
}

ClientStep ClientDialogue::on_tls_started(bool is_verified) {
    SIDING_CHECK(state_ == State::handshake, "a handshake that was not asked for");
    hop_ = NextHop{{}, true, is_verified};
    state_ = State::ehlo;
    return ClientStep{"EHLO " + options_.hostname + "\r\n", ReadReply{Wait::hello}, {}, {}};
}

ClientStep ClientDialogue::on_early_octets() {
    SIDING_CHECK(state_ == State::handshake, "octets before a handshake that was not asked for");
    return fail_session(
        judge_loss(Stage::hello, "octets behind the answer to STARTTLS, before TLS: an attack?")
    );
}

ClientStep ClientDialogue::fail_tls(std::string what) {
    may_go_without_tls_ = options_.tls == ClientTls::opportunistic;
    return fail_session(judge_loss(Stage::hello, std::move(what)));
}

ClientStep ClientDialogue::fail_session(Verdict verdict) {
    const bool say_goodbye = verdict.reply && !verdict.reply->is_closing();
    state_ = State::closed;
    return ClientStep{say_goodbye ? "QUIT\r\n" : "", Close{}, {}, std::move(verdict)};
}

ClientStep ClientDialogue::close() {
    state_ = State::closed;
    return ClientStep{{}, Close{}, {}, {}};
}

}  // namespace siding::smtp

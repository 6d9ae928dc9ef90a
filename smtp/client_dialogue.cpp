// ClientDialogue, the session: greeting, EHLO, STARTTLS, AUTH, goodbye.
#include "smtp/client_dialogue.hpp"

#include "base/check.hpp"
#include "base/limits.hpp"

#include <algorithm>
#include <utility>

namespace siding::smtp {
namespace {

using client_action::Close;
using client_action::ReadReply;
using client_action::Ready;
using client_action::StartTls;

ClientStep ask(std::string output, Wait wait) {
    ClientStep step;
    step.output = std::move(output);
    step.action = ReadReply{wait};
    return step;
}

}  // namespace

ClientStep ClientDialogue::on_connected() {
    SIDING_CHECK(state_ == State::fresh, "connected twice");
    state_ = State::greeting;
    return ask({}, Wait::greeting);
}

ClientStep ClientDialogue::quit() {
    SIDING_CHECK(is_open() && sent_.empty() && !body_of_, "quit while the connection is not ready");
    underway_.clear();  // at most one step by step, which nobody finishes
    state_ = State::quitting;
    return ask("QUIT\r\n", Wait::quit);
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
    case State::auth:
        return on_auth_reply(reply);
    case State::open:
        return on_open_reply(std::move(reply));
    case State::quitting:
    case State::closed:
        return close();
    case State::fresh:
        break;
    }
    SIDING_UNREACHABLE("a reply before the connection");
}

ClientStep ClientDialogue::on_lost(Loss loss) {
    switch (state_) {
    case State::fresh:
        return fail_session(judge_loss(Stage::connect, std::move(loss.what)));
    case State::greeting:
        return fail_session(judge_loss(Stage::greeting, std::move(loss.what)));
    case State::ehlo:
    case State::helo:
    case State::auth:
        return fail_session(judge_loss(Stage::hello, std::move(loss.what)));
    case State::starttls:
    case State::handshake:
        return fail_tls(std::move(loss.what));
    case State::open: {
        over_because_ = loss.what;
        ClientStep step = close();
        fail_all(loss, step);
        return step;
    }
    case State::quitting:
    case State::closed:
        break;
    }
    return close();
}

std::optional<Wait> ClientDialogue::awaits() const {
    switch (state_) {
    case State::greeting:
        return Wait::greeting;
    case State::ehlo:
    case State::helo:
    case State::starttls:
    case State::auth:
        return Wait::hello;
    case State::quitting:
        return Wait::quit;
    case State::open:
        break;
    case State::fresh:
    case State::handshake:
    case State::closed:
        return std::nullopt;
    }
    const bool is_own_body =
        !sent_.empty() && sent_.front().verb == Verb::chunk && body_of_ == sent_.front().ticket;
    return sent_.empty() || is_own_body ? std::nullopt : std::optional{wait_of(sent_.front().verb)};
}

Wait ClientDialogue::wait_of(Verb verb) {
    switch (verb) {
    case Verb::xclient:
    case Verb::ehlo:
        return Wait::hello;
    case Verb::rset:
    case Verb::mail:
    case Verb::end_probe:
        return Wait::mail;
    case Verb::rcpt:
        return Wait::rcpt;
    case Verb::data:
        return Wait::data;
    case Verb::chunk:
    case Verb::dot:
        return Wait::end_of_data;
    }
    SIDING_UNREACHABLE("no such verb");
}

bool ClientDialogue::is_ready() const {
    return is_open() && underway_.empty() && sent_.empty();
}

std::size_t ClientDialogue::recipients_max() const {
    constexpr std::uint64_t no_limit = std::numeric_limits<std::size_t>::max();
    return std::max<std::size_t>(hop_.extensions.rcpt_max().value_or(no_limit), 1);
}

bool ClientDialogue::is_spent() const {
    if (errors_ >= limits::server_errors_max) {
        return true;
    }
    const auto mails_max = hop_.extensions.mail_max();
    return mails_max && mails_ >= std::max<std::uint64_t>(*mails_max, 1);
}

ClientStep ClientDialogue::on_greeting(const Reply& reply) {
    greeting_ = reply.text();
    if (!reply.is_positive()) {
        return fail_session(judge_reply(Stage::greeting, reply));
    }
    state_ = State::ehlo;
    return ask("EHLO " + options_.hostname + "\r\n", Wait::hello);
}

ClientStep ClientDialogue::on_hello(const Reply& reply) {
    if (reply.is_positive()) {
        learn(state_ == State::ehlo ? reply : Reply{reply.code, reply.lines.front()});
        return on_hello_done();
    }
    if (state_ == State::ehlo && reply.is_permanent()) {  // RFC 5321 §3.2
        state_ = State::helo;
        return ask("HELO " + options_.hostname + "\r\n", Wait::hello);
    }
    return fail_session(judge_reply(Stage::hello, reply));
}

void ClientDialogue::learn(const Reply& ehlo) {
    hop_.extensions = parse_ehlo_reply(ehlo);
    auth_offer_ = parse_auth_offer(ehlo);
    xclient_offer_ = parse_xclient_offer(ehlo);
    if (state_ != State::open) {  // not what it calls itself for the client of an XCLIENT
        const std::string& line = ehlo.lines.front();
        server_name_ = line.substr(0, line.find(' '));
    }
}

ClientStep ClientDialogue::on_hello_done() {
    if (hop_.is_tls || options_.tls == ClientTls::off) {
        return log_in();
    }
    if (hop_.extensions.has(Extension::starttls)) {
        state_ = State::starttls;
        return ask("STARTTLS\r\n", Wait::hello);
    }
    if (options_.tls == ClientTls::required) {
        ClientStep step = fail_tls("TLS is required and the server does not offer STARTTLS");
        step.output = "QUIT\r\n";
        return step;
    }
    return log_in();
}

// RFC 3207 §4: 220, 454 (not now) or a refusal.
ClientStep ClientDialogue::on_starttls_reply(const Reply& reply) {
    if (reply.code == 220) {
        state_ = State::handshake;
        ClientStep step;
        step.action = StartTls{};
        return step;
    }
    const bool is_refusal = reply.is_transient() || reply.is_permanent();
    if (!is_refusal) {  // we no longer know what the server thinks
        return fail_tls("the answer to STARTTLS was " + reply.text());
    }
    if (reply.is_closing() || options_.tls == ClientTls::required) {
        return fail_session(judge_reply(Stage::hello, reply));
    }
    return log_in();
}

ClientStep ClientDialogue::on_tls_started(bool is_verified) {
    SIDING_CHECK(state_ == State::handshake, "a handshake that was not asked for");
    hop_ = NextHop{{}, true, is_verified};
    state_ = State::ehlo;
    return ask("EHLO " + options_.hostname + "\r\n", Wait::hello);
}

ClientStep ClientDialogue::on_early_octets() {
    SIDING_CHECK(state_ == State::handshake, "octets before a handshake that was not asked for");
    return fail_session(
        judge_loss(Stage::hello, "octets behind the answer to STARTTLS, before TLS: an attack?")
    );
}

// RFC 4954 §4. A password never goes out in the clear.
ClientStep ClientDialogue::log_in() {
    if (!options_.credentials) {
        return enter_open();
    }
    const char* problem = nullptr;
    const auto mechanism = choose_mechanism(*options_.credentials, auth_offer_);
    if (!hop_.is_tls && !options_.may_log_in_without_tls) {
        problem = "no login without TLS";
    } else if (!mechanism) {
        problem = "the server offers no AUTH that can be used";
    }
    if (problem != nullptr) {
        ClientStep step = fail_session(judge_loss(Stage::hello, problem));
        step.output = "QUIT\r\n";
        return step;
    }
    state_ = State::auth;
    sasl_.emplace(*mechanism, *options_.credentials);
    ClientStep step = ask(sasl_->start(), Wait::hello);
    step.is_secret = true;
    return step;
}

ClientStep ClientDialogue::on_auth_reply(const Reply& reply) {
    if (reply.code == 334) {
        ClientStep step = ask(sasl_->on_challenge(), Wait::hello);
        step.is_secret = true;
        return step;
    }
    sasl_.reset();
    return reply.is_positive() ? enter_open() : fail_session(judge_reply(Stage::hello, reply));
}

ClientStep ClientDialogue::enter_open() {
    state_ = State::open;
    return {};
}

ClientStep ClientDialogue::fail_tls(std::string what) {
    may_go_without_tls_ = options_.tls == ClientTls::opportunistic;
    return fail_session(judge_loss(Stage::hello, std::move(what)));
}

ClientStep ClientDialogue::fail_session(Verdict verdict) {
    const bool say_goodbye = verdict.reply && !verdict.reply->is_closing();
    ClientStep step = close();
    step.output = say_goodbye ? "QUIT\r\n" : "";
    step.session_failure = std::move(verdict);
    return step;
}

ClientStep ClientDialogue::close() {
    state_ = State::closed;
    ClientStep step;
    step.action = Close{};
    return step;
}

}  // namespace siding::smtp

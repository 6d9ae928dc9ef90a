#include "smtp/client_dialogue.hpp"

#include "base/check.hpp"
#include "base/limits.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

namespace siding::smtp {

using client_action::Close;
using client_action::ReadReply;
using client_action::Ready;
using client_action::SendBody;

ClientStep ClientDialogue::on_connected() {
    SIDING_CHECK(state_ == State::fresh, "connected twice");
    state_ = State::greeting;
    return ClientStep{{}, ReadReply{Wait::greeting}, {}, {}};
}

ClientStep ClientDialogue::begin(Transaction transaction) {
    SIDING_CHECK(state_ == State::ready, "a transaction while the connection is not ready");
    SIDING_CHECK(!transaction.recipients.empty(), "a transaction without recipients");
    transaction_ = std::move(transaction);
    verdicts_.assign(transaction_.recipients.size(), std::nullopt);
    sent_.clear();
    last_sent_.reset();
    is_mail_refused_ = false;
    accepted_ = 0;
    if (const auto refusal = check_fits()) {
        settle_all(*refusal);
        return finish();
    }
    state_ = State::commands;
    return send_commands();
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

ClientStep ClientDialogue::on_body_end(std::string last) {
    SIDING_CHECK(state_ == State::body, "the end of a body that was not asked for");
    state_ = State::end_of_data;
    return ClientStep{std::move(last), ReadReply{Wait::end_of_data}, {}, {}};
}

ClientStep ClientDialogue::on_lost(std::string what) {
    switch (state_) {
    case State::fresh:
    case State::greeting:
    case State::ehlo:
    case State::helo:
        return fail_session(judge_loss(stage(), std::move(what)));
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

ClientStep ClientDialogue::on_greeting(const Reply& reply) {
    if (!reply.is_positive()) {
        return fail_session(judge_reply(Stage::greeting, reply));
    }
    state_ = State::ehlo;
    return ClientStep{"EHLO " + options_.hostname + "\r\n", ReadReply{Wait::hello}, {}, {}};
}

ClientStep ClientDialogue::on_hello(const Reply& reply) {
    if (reply.is_positive()) {
        extensions_ = state_ == State::ehlo ? parse_ehlo_reply(reply) : Extensions{};
        state_ = State::ready;
        return ClientStep{{}, Ready{}, {}, {}};
    }
    if (state_ == State::ehlo && reply.is_permanent()) {  // RFC 5321 §3.2
        state_ = State::helo;
        return ClientStep{"HELO " + options_.hostname + "\r\n", ReadReply{Wait::hello}, {}, {}};
    }
    return fail_session(judge_reply(Stage::hello, reply));
}

ClientStep ClientDialogue::on_command_reply(Reply reply) {
    const Stage at = stage();
    const Sent answered = sent_.front();
    sent_.pop_front();
    if (reply.is_closing()) {
        return fail_transaction(judge_reply(at, std::move(reply)));
    }
    switch (answered.verb) {
    case Verb::rset:
        if (!reply.is_positive()) {
            return fail_transaction(judge_reply(Stage::hello, std::move(reply)));
        }
        needs_rset_ = false;
        break;
    case Verb::mail:
        is_mail_refused_ = !reply.is_positive();
        if (is_mail_refused_) {
            settle_all(judge_reply(at, std::move(reply)));
        }
        break;
    case Verb::rcpt:
        if (reply.is_positive()) {
            ++accepted_;
        } else if (!verdicts_[answered.recipient]) {
            verdicts_[answered.recipient] = judge_reply(at, std::move(reply));
        }
        break;
    case Verb::data:
        return on_data_reply(reply);
    }
    return send_commands();
}

ClientStep ClientDialogue::on_data_reply(const Reply& reply) {
    if (reply.code == 354) {
        if (unsettled() > 0) {
            state_ = State::body;
            return ClientStep{{}, SendBody{}, {}, {}};
        }
        // RFC 2920 §3.1: no recipient is left, and still the server waits for a message.
        state_ = State::end_of_data;
        return ClientStep{".\r\n", ReadReply{Wait::end_of_data}, {}, {}};
    }
    const Verdict verdict = judge_reply(Stage::data, reply);
    if (reply.is_positive()) {  // we no longer know what the server thinks
        return fail_transaction(verdict);
    }
    settle_all(verdict);
    needs_rset_ = !is_mail_refused_;
    return finish();
}

ClientStep ClientDialogue::on_final_reply(Reply reply) {
    const bool is_usable = !reply.is_closing() && reply.code / 100 != 3;
    const Verdict verdict = judge_reply(Stage::end_of_data, std::move(reply));
    if (!is_usable) {
        return fail_transaction(verdict);
    }
    settle_all(verdict);
    return finish();
}

// As many commands as may be under way. The window is filled again only when half of it has been
// answered, so that a long list still travels in few packets.
ClientStep ClientDialogue::send_commands() {
    const bool pipelining = options_.use_pipelining && extensions_.has(Extension::pipelining);
    const std::size_t window = pipelining ? limits::pipelined_commands_max : 1;
    std::string output;
    if (sent_.size() <= window / 2) {
        for (auto next = next_command(); next && sent_.size() < window; next = next_command()) {
            send(*next, output);
        }
    }
    if (!sent_.empty()) {
        return ClientStep{std::move(output), ReadReply{wait()}, {}, {}};
    }
    needs_rset_ = !is_mail_refused_;  // every recipient refused: MAIL still stands
    return finish();
}

std::optional<ClientDialogue::Sent> ClientDialogue::next_command() const {
    if (!last_sent_) {
        return Sent{needs_rset_ ? Verb::rset : Verb::mail, 0};
    }
    if (is_mail_refused_) {
        return std::nullopt;
    }
    switch (last_sent_->verb) {
    case Verb::rset:
        return Sent{Verb::mail, 0};
    case Verb::mail:
        return Sent{Verb::rcpt, 0};
    case Verb::rcpt:
        if (last_sent_->recipient + 1 < transaction_.recipients.size()) {
            return Sent{Verb::rcpt, last_sent_->recipient + 1};
        }
        if (accepted_ > 0 || !sent_.empty()) {
            return Sent{Verb::data, 0};
        }
        return std::nullopt;
    case Verb::data:
        return std::nullopt;
    }
    SIDING_UNREACHABLE("no such verb");
}

void ClientDialogue::send(const Sent& command, std::string& output) {
    switch (command.verb) {
    case Verb::rset:
        output += "RSET\r\n";
        break;
    case Verb::mail:
        output += format_mail();
        break;
    case Verb::rcpt:
        output += "RCPT TO:<" + transaction_.recipients[command.recipient].forward_path + ">\r\n";
        break;
    case Verb::data:
        output += "DATA\r\n";
        break;
    }
    sent_.push_back(command);
    last_sent_ = command;
}

// The client's SIZE is replaced by what we really send; BODY goes on where it is understood.
std::string ClientDialogue::format_mail() const {
    std::string line = "MAIL FROM:<" + transaction_.reverse_path + ">";
    if (extensions_.has(Extension::size)) {
        line += fmt::format(" SIZE={}", transaction_.octets);
    }
    if (transaction_.mail_parameters.body && extensions_.has(Extension::eight_bit_mime)) {
        const bool eight_bit = *transaction_.mail_parameters.body == Body::eight_bit_mime;
        line += eight_bit ? " BODY=8BITMIME" : " BODY=7BIT";
    }
    return line + "\r\n";
}

// What the server has told us beforehand that it cannot take. Octets are never converted, so the
// operator decides; 8-bit content that was never declared is sent as it came.
std::optional<Verdict> ClientDialogue::check_fits() const {
    const auto octets_max = extensions_.size_octets_max();
    if (octets_max && transaction_.octets > *octets_max) {
        return refuse_to_send(fmt::format(
            "552 5.3.4 not sent: {} octets, the server takes at most {}",
            transaction_.octets,
            *octets_max
        ));
    }
    const bool is_eight_bit = transaction_.mail_parameters.body == Body::eight_bit_mime;
    if (is_eight_bit && !extensions_.has(Extension::eight_bit_mime)) {
        return refuse_to_send("554 5.6.3 not sent: the server does not offer 8BITMIME");
    }
    return std::nullopt;
}

ClientStep ClientDialogue::finish() {
    ClientStep step{{}, Ready{}, {}, {}};
    for (auto& verdict : verdicts_) {
        SIDING_CHECK(verdict.has_value(), "a transaction ends with a recipient undecided");
        step.verdicts.push_back(std::move(*verdict));
    }
    verdicts_.clear();
    state_ = State::ready;
    return step;
}

ClientStep ClientDialogue::fail_transaction(const Verdict& verdict) {
    settle_all(verdict);
    ClientStep step = finish();
    step.action = Close{};
    state_ = State::closed;
    return step;
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

void ClientDialogue::settle_all(const Verdict& verdict) {
    for (auto& one : verdicts_) {
        if (!one) {
            one = verdict;
        }
    }
}

std::size_t ClientDialogue::unsettled() const {
    const auto is_open = [](const std::optional<Verdict>& verdict) { return !verdict; };
    return static_cast<std::size_t>(std::ranges::count_if(verdicts_, is_open));
}

Stage ClientDialogue::stage() const {
    switch (state_) {
    case State::fresh:
        return Stage::connect;
    case State::greeting:
        return Stage::greeting;
    case State::ehlo:
    case State::helo:
        return Stage::hello;
    case State::commands:
        break;
    case State::body:
        return Stage::body;
    case State::end_of_data:
        return Stage::end_of_data;
    case State::ready:
    case State::quitting:
    case State::closed:
        return Stage::quit;
    }
    switch (sent_.front().verb) {
    case Verb::rset:
    case Verb::mail:
        return Stage::mail;
    case Verb::rcpt:
        return Stage::rcpt;
    case Verb::data:
        return Stage::data;
    }
    SIDING_UNREACHABLE("no such verb");
}

Wait ClientDialogue::wait() const {
    switch (sent_.front().verb) {
    case Verb::rset:
    case Verb::mail:
        return Wait::mail;
    case Verb::rcpt:
        return Wait::rcpt;
    case Verb::data:
        return Wait::data;
    }
    SIDING_UNREACHABLE("no such verb");
}

}  // namespace siding::smtp

// ClientDialogue, the transaction: envelope, body, probe, and a verdict for each recipient.
#include "base/check.hpp"
#include "base/limits.hpp"
#include "smtp/client_dialogue.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

namespace siding::smtp {

using client_action::Close;
using client_action::ReadReply;
using client_action::Ready;
using client_action::SendBody;

ClientStep ClientDialogue::begin(Transaction transaction) {
    transaction_ = std::move(transaction);
    is_probe_ = false;
    return start(check_fits(transaction_, hop_));
}

ClientStep ClientDialogue::probe(Probe probe) {
    transaction_ = Transaction{std::move(probe.sender), {}, {}, 0};
    for (std::string& recipient : probe.recipients) {
        transaction_.recipients.push_back({std::move(recipient), {}});
    }
    is_probe_ = true;
    return start(check_fits(transaction_, hop_));
}

ClientStep ClientDialogue::start(const std::optional<Verdict>& refusal) {
    SIDING_CHECK(state_ == State::ready, "a transaction while the connection is not ready");
    SIDING_CHECK(!transaction_.recipients.empty(), "a transaction without recipients");
    verdicts_.assign(transaction_.recipients.size(), std::nullopt);
    sent_.clear();
    last_sent_.reset();
    is_mail_refused_ = false;
    accepted_ = 0;
    if (refusal) {
        settle_all(*refusal);
        return finish();
    }
    state_ = State::commands;
    return send_commands();
}

ClientStep ClientDialogue::on_body_end(std::string last) {
    SIDING_CHECK(state_ == State::body, "the end of a body that was not asked for");
    state_ = State::end_of_data;
    return ClientStep{std::move(last), ReadReply{Wait::end_of_data}, {}, {}};
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
    case Verb::end_probe:
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
        on_rcpt_reply(answered.recipient, std::move(reply));
        break;
    case Verb::data:
        return on_data_reply(reply);
    }
    return send_commands();
}

void ClientDialogue::on_rcpt_reply(std::size_t recipient, Reply reply) {
    const bool is_accepted = reply.is_positive();
    accepted_ += is_accepted ? 1 : 0;
    if (verdicts_[recipient] || (is_accepted && !is_probe_)) {
        return;
    }
    verdicts_[recipient] = judge_reply(Stage::rcpt, std::move(reply));
    if (is_accepted) {
        verdicts_[recipient]->kind = VerdictKind::delivered;
    }
}

ClientStep ClientDialogue::on_data_reply(const Reply& reply) {
    if (reply.code == 354) {
        if (unsettled() > 0) {
            state_ = State::body;
            return ClientStep{{}, SendBody{false}, {}, {}};
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
    // RFC 3030 §2 does not say that a failed chunk ends the transaction on the server.
    needs_rset_ = transaction_.is_binary() && verdict.kind != VerdictKind::delivered;
    return finish();
}

// As many commands as may be under way. The window is filled again only when half of it has been
// answered, so that a long list still travels in few packets.
ClientStep ClientDialogue::send_commands() {
    const bool pipelining = options_.use_pipelining && hop_.extensions.has(Extension::pipelining);
    const std::size_t window = pipelining ? limits::pipelined_commands_max : 1;
    std::string output;
    if (sent_.size() <= window / 2) {
        for (auto next = next_command(); next && sent_.size() < window; next = next_command()) {
            send(*next, output);
        }
    }
    if (sent_.empty()) {
        return on_commands_answered();
    }
    return ClientStep{std::move(output), ReadReply{wait()}, {}, {}};
}

// And there is no other to send. One chunk for all of a binary body: whatever the server says to a
// part of it, the transaction fails as a whole.
ClientStep ClientDialogue::on_commands_answered() {
    if (transaction_.is_binary() && accepted_ > 0 && !is_mail_refused_) {
        state_ = State::body;
        auto command = fmt::format("BDAT {} LAST\r\n", transaction_.octets);
        return ClientStep{std::move(command), SendBody{true}, {}, {}};
    }
    // Every recipient refused: MAIL still stands. A probe has taken its own back.
    needs_rset_ = !is_mail_refused_ && !is_probe_;
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
        if (is_probe_) {
            return Sent{Verb::end_probe, 0};
        }
        if (!transaction_.is_binary() && (accepted_ > 0 || !sent_.empty())) {
            return Sent{Verb::data, 0};
        }
        return std::nullopt;
    case Verb::data:
    case Verb::end_probe:
        return std::nullopt;
    }
    SIDING_UNREACHABLE("no such verb");
}

void ClientDialogue::send(const Sent& command, std::string& output) {
    switch (command.verb) {
    case Verb::rset:
    case Verb::end_probe:
        output += "RSET\r\n";
        break;
    case Verb::mail:
        output += format_mail(transaction_, hop_);
        mails_ += 1;
        break;
    case Verb::rcpt:
        output += format_rcpt(transaction_.recipients[command.recipient], hop_);
        break;
    case Verb::data:
        output += "DATA\r\n";
        break;
    }
    sent_.push_back(command);
    last_sent_ = command;
}

ClientStep ClientDialogue::finish() {
    ClientStep step{{}, Ready{}, {}, {}};
    for (auto& verdict : verdicts_) {
        SIDING_CHECK(verdict.has_value(), "a transaction ends with a recipient undecided");
        if (is_probe_ && verdict->stage != Stage::rcpt) {
            verdict->kind = VerdictKind::transient;  // whoever asks was refused, not the recipient
        }
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
    case State::starttls:
    case State::handshake:
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
    case Verb::end_probe:
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
    case Verb::end_probe:
        return Wait::mail;
    case Verb::rcpt:
        return Wait::rcpt;
    case Verb::data:
        return Wait::data;
    }
    SIDING_UNREACHABLE("no such verb");
}

}  // namespace siding::smtp

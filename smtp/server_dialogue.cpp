#include "smtp/server_dialogue.hpp"

#include "base/check.hpp"
#include "base/limits.hpp"

#include <utility>

namespace siding::smtp {
namespace {

const Reply ok{250, {2, 0, 0}, "Ok"};

Reply bad_sequence(std::string text) {
    return Reply{503, {5, 5, 1}, std::move(text)};
}

}  // namespace

DataSummary summarize(const DataDecoder& decoder, const HeaderScan& header) {
    return DataSummary{
        decoder.is_too_large(), decoder.is_refused_for_bare_newline(), header.received_fields()};
}

ServerDialogue::ServerDialogue(ServerOptions options) : options_{std::move(options)} {}

Step ServerDialogue::greet() {
    SIDING_CHECK(state_ == State::fresh, "greeted twice");
    // RFC 2034 §4: no enhanced code in the greeting and the answers to EHLO and HELO.
    return say(Reply{220, options_.hostname + " ESMTP Siding"});
}

Step ServerDialogue::turn_away(const Reply& reply) {
    SIDING_CHECK(state_ == State::fresh, "turned away after the greeting");
    return say_and_close(reply);
}

Step ServerDialogue::on_line(std::string_view line) {
    SIDING_CHECK(state_ == State::command, "a command while something else is awaited");
    auto command = parse_command(line);
    if (command.has_error()) {
        return say_error(command.error());
    }
    return std::visit([this](auto&& parsed) { return on(std::move(parsed)); }, std::move(*command));
}

Step ServerDialogue::on_line_too_long() {
    SIDING_CHECK(state_ == State::command, "a command while something else is awaited");
    return say_error(Reply{500, {5, 5, 2}, "Line too long"});  // RFC 5321 §4.5.3.1.4
}

Step ServerDialogue::on_line_endless() {
    return say_and_close(Reply{500, {5, 5, 2}, "Line too long"});
}

Step ServerDialogue::on(command::Hello&& hello) {
    reset_transaction();  // RFC 5321 §4.1.4
    helo_ = std::move(hello.name);
    is_esmtp_ = hello.extended;
    if (!is_esmtp_) {
        return say_junk(Reply{250, options_.hostname});
    }
    return say_junk(format_ehlo_reply(options_.hostname, offered()));
}

Step ServerDialogue::on(command::Mail&& mail) {
    if (helo_.empty()) {
        return say_error(bad_sequence("Send HELO or EHLO first"));
    }
    if (in_transaction_) {
        return say_error(bad_sequence("Nested MAIL command"));
    }
    if (mail.parameters.size && *mail.parameters.size > options_.message_octets_max) {
        return say_error(Reply{552, {5, 3, 4}, "Message size exceeds fixed limit"}
        );  // RFC 1870 §6.1
    }
    envelope_.reverse_path = std::move(mail.reverse_path);
    envelope_.mail_parameters = std::move(mail.parameters);
    state_ = State::asking_mail;
    return Step{{}, action::CheckMail{envelope_.reverse_path, envelope_.mail_parameters}};
}

Step ServerDialogue::on(command::Rcpt&& rcpt) {
    if (!in_transaction_) {
        return say_error(bad_sequence("Need MAIL command"));
    }
    if (envelope_.recipients.size() >= options_.recipients_max) {
        ++refused_recipients_;
        const Reply reply{452, {4, 5, 3}, "Too many recipients"};  // RFC 5321 §4.5.3.1.10
        // A client that never stops is no longer one that merely has a long list.
        return refused_recipients_ > options_.recipients_max ? say_error(reply) : say(reply);
    }
    envelope_.recipients.push_back({std::move(rcpt.forward_path), std::move(rcpt.parameters)});
    state_ = State::asking_rcpt;
    const Envelope::Recipient& asked = envelope_.recipients.back();
    return Step{{}, action::CheckRcpt{asked.path, asked.parameters}};
}

Step ServerDialogue::on(command::Data&&) {
    if (!in_transaction_) {
        return say_error(bad_sequence("Need MAIL command"));
    }
    if (envelope_.recipients.empty()) {
        return say_error(
            refused_recipients_ > 0 ? Reply{554, {5, 5, 1}, "No valid recipients"}
                                    : bad_sequence("Need RCPT command")
        );
    }
    state_ = State::receiving;
    return Step{format_reply(Reply{354, "End data with <CR><LF>.<CR><LF>"}), action::ReceiveData{}};
}

Step ServerDialogue::on(command::Rset&&) {
    reset_transaction();
    return say_junk(ok);
}

Step ServerDialogue::on(command::Noop&&) {
    return say_junk(ok);
}

Step ServerDialogue::on(command::Vrfy&&) {
    // RFC 5321 §3.5.3: no answer about any user.
    return say_junk(Reply{252, {2, 0, 0}, "Cannot VRFY user, but will take mail for it"});
}

Step ServerDialogue::on(command::Quit&&) {
    return say_and_close(Reply{221, {2, 0, 0}, "Bye"});
}

Step ServerDialogue::on(command::NotImplemented&&) {
    return say_error(Reply{502, {5, 5, 1}, "Command not implemented"});
}

Step ServerDialogue::on(command::Foreign&&) {
    return say_and_close(Reply{221, {2, 7, 0}, "This is an SMTP server. Goodbye."});
}

Step ServerDialogue::on_answer(const Reply& reply) {
    switch (std::exchange(state_, State::command)) {
    case State::asking_mail:
        in_transaction_ = reply.is_positive();
        break;
    case State::asking_rcpt:
        if (!reply.is_positive()) {
            envelope_.recipients.pop_back();
            ++refused_recipients_;
        }
        break;
    case State::committing:
        if (reply.is_positive()) {
            errors_ = 0;
            junk_commands_ = 0;
        }
        break;
    case State::fresh:
    case State::command:
    case State::receiving:
    case State::closed:
        SIDING_UNREACHABLE("an answer to no question");
    }
    return reply.is_positive() ? say(reply) : refuse(reply);
}

Step ServerDialogue::on_accepted() {
    SIDING_CHECK(
        state_ == State::asking_mail || state_ == State::asking_rcpt, "an answer to no question"
    );
    return on_answer(
        state_ == State::asking_mail ? Reply{250, {2, 1, 0}, "Ok"} : Reply{250, {2, 1, 5}, "Ok"}
    );
}

Step ServerDialogue::on_data_end(const DataSummary& summary) {
    SIDING_CHECK(state_ == State::receiving, "an end of data without DATA");
    Envelope envelope = std::move(envelope_);
    envelope.helo = helo_;
    envelope.is_esmtp = is_esmtp_;
    reset_transaction();
    state_ = State::command;
    if (summary.is_refused_for_bare_newline) {
        return say_error(Reply{550, {5, 5, 2}, "Bare CR or LF in message"});
    }
    if (summary.is_too_large) {
        return say_error(Reply{552, {5, 3, 4}, "Message size exceeds fixed limit"});
    }
    if (summary.received_fields >= limits::received_fields_max) {
        return say_error(Reply{554, {5, 4, 6}, "Too many hops, mail loop"});  // RFC 5321 §6.3
    }
    state_ = State::committing;
    return Step{{}, action::Commit{std::move(envelope)}};
}

Step ServerDialogue::on_shutdown() {
    return say_and_close(Reply{421, {4, 3, 2}, options_.hostname + " is shutting down"});
}

Step ServerDialogue::on_timeout() {
    return say_and_close(Reply{421, {4, 4, 2}, options_.hostname + " timeout exceeded"});
}

Step ServerDialogue::say(const Reply& reply) {
    state_ = State::command;
    return Step{format_reply(reply), action::ReadCommand{}};
}

Step ServerDialogue::say_and_close(const Reply& reply) {
    reset_transaction();
    state_ = State::closed;
    return Step{format_reply(reply), action::Close{}};
}

Step ServerDialogue::say_error(const Reply& reply) {
    if (++errors_ >= options_.errors_hard) {
        return say_and_close(Reply{421, {4, 7, 0}, options_.hostname + " too many errors"});
    }
    Step step = say(reply);
    step.delay =
        errors_ > options_.errors_soft ? limits::error_delay : std::chrono::milliseconds{0};
    return step;
}

Step ServerDialogue::say_junk(const Reply& reply) {
    return ++junk_commands_ > limits::junk_commands_max ? say_error(reply) : say(reply);
}

// A 4yz says that we cannot; only a 5yz is held against the client.
Step ServerDialogue::refuse(const Reply& reply) {
    if (reply.is_closing()) {
        return say_and_close(reply);
    }
    return reply.is_permanent() ? say_error(reply) : say(reply);
}

void ServerDialogue::reset_transaction() {
    in_transaction_ = false;
    refused_recipients_ = 0;
    envelope_ = {};
}

Extensions ServerDialogue::offered() const {
    Extensions extensions{
        Extension::pipelining, Extension::eight_bit_mime, Extension::enhanced_status_codes};
    extensions.add_size(options_.message_octets_max);
    return extensions;
}

}  // namespace siding::smtp

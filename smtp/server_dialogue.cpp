#include "smtp/server_dialogue.hpp"

#include "base/check.hpp"
#include "base/limits.hpp"

#include <utility>

namespace siding::smtp {
namespace {

const Reply ok{250, {2, 0, 0}, "Ok"};
const Reply not_implemented{502, {5, 5, 1}, "Command not implemented"};
const Reply smtputf8_missing{553, {5, 6, 7}, "Must declare SMTPUTF8 to send such an address"};

Reply bad_sequence(std::string text) {
    return Reply{503, {5, 5, 1}, std::move(text)};
}

}  // namespace

ServerDialogue::ServerDialogue(ServerOptions options) : options_{std::move(options)} {}

Step ServerDialogue::greet() {
    SIDING_CHECK(state_ == State::fresh, "greeted twice");
    return say_greeting();
}

Step ServerDialogue::turn_away(const Reply& reply) {
    SIDING_CHECK(state_ == State::fresh, "turned away after the greeting");
    return say_and_close(reply);
}

Step ServerDialogue::on_early_talker() {
    // RFC 5321 §4.3.1: the client waits for the greeting.
    return turn_away(Reply{554, {5, 5, 0}, "SMTP protocol synchronization"});
}

Step ServerDialogue::on_line(std::string_view line, bool more_input) {
    SIDING_CHECK(state_ == State::command, "a command while something else is awaited");
    has_more_input_ = more_input;
    auto command = parse_command(line, offered());
    const auto* const chunk = command ? std::get_if<command::Bdat>(&*command) : nullptr;
    // A message may come in any number of chunks, but not in any number of tiny ones.
    const bool is_free =
        chunk != nullptr && !chunk->last && chunk->octets >= limits::small_chunk_octets;
    commands_ += is_free ? 0 : 1;
    if (options_.commands_max > 0 && commands_ > options_.commands_max) {
        return say_and_close(Reply{421, {4, 7, 0}, options_.hostname + " too many commands"});
    }
    if (command.has_error()) {
        const Reply& reply = command.error();
        return reply.code == 521 ? say_and_close(reply) : say_error(reply);
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
    Reply reply = format_ehlo_reply(options_.hostname, offered());
    if (options_.xclient) {
        reply.lines.emplace_back(xclient_offer);
    }
    return say_junk(reply);
}

Step ServerDialogue::on(command::Mail&& mail) {
    if (const auto reason = check_ready()) {
        return say_error(*reason);
    }
    if (mail.reverse_path.needs_smtputf8() && !mail.parameters.smtputf8) {
        return say_error(smtputf8_missing);
    }
    if (mail.parameters.size && *mail.parameters.size > options_.message_octets_max) {
        return say_error(Reply{552, {5, 3, 4}, "Message size exceeds fixed limit"}
        );  // RFC 1870 §6.1
    }
    reset_transaction();  // of the rest of a failed message
    envelope_.reverse_path = std::move(mail.reverse_path);
    envelope_.mail_parameters = std::move(mail.parameters);
    state_ = State::asking_mail;
    return Step{{}, action::CheckMail{envelope_.reverse_path, envelope_.mail_parameters}};
}

Step ServerDialogue::on(command::Rcpt&& rcpt) {
    if (!in_transaction_) {
        return say_error(bad_sequence("Need MAIL command"));
    }
    if (in_chunks_) {
        return say_error(bad_sequence("RCPT after BDAT"));  // RFC 3030 §2
    }
    const bool needs_smtputf8 =
        rcpt.forward_path.needs_smtputf8() || rcpt.parameters.needs_smtputf8();
    if (needs_smtputf8 && !envelope_.mail_parameters.smtputf8) {
        return say_error(smtputf8_missing);
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

Step ServerDialogue::on(command::StartTls&&) {
    if (is_tls_) {
        return say_error(bad_sequence("TLS is already active"));
    }
    if (!offered().has(Extension::starttls)) {
        return say_error(not_implemented);
    }
    // RFC 3207 §4: the client waits for the answer. Whatever it sent ahead could have been put
    // there by somebody else, to be taken for what is said inside TLS (CVE-2011-0411).
    if (has_more_input_) {
        return say_and_close(Reply{554, {5, 5, 0}, "SMTP protocol synchronization"});
    }
    reset_transaction();
    state_ = State::starting_tls;
    return Step{format_reply(Reply{220, {2, 0, 0}, "Ready to start TLS"}), action::StartTls{}};
}

Step ServerDialogue::on(command::Xclient&& xclient) {
    if (!options_.xclient) {
        return say_error(Reply{550, {5, 7, 0}, "Insufficient authorization"});
    }
    if (in_transaction_) {
        return say_error(bad_sequence("MAIL transaction in progress"));
    }
    auto attributes = parse_xclient(xclient.attributes);
    if (attributes.has_error()) {
        return say_error(attributes.error());
    }
    xclient_ = std::move(*attributes);
    state_ = State::asking_xclient;
    return Step{{}, action::Xclient{xclient_}};
}

Step ServerDialogue::on(command::NotImplemented&&) {
    return say_error(not_implemented);
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
    case State::asking_xclient:
        SIDING_CHECK(!reply.is_positive(), "on_xclient_done is the way to accept");
        break;
    case State::fresh:
    case State::command:
    case State::receiving:
    case State::receiving_chunk:
    case State::starting_tls:
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

Step ServerDialogue::on_tls_started() {
    const bool is_implicit = state_ == State::fresh;
    SIDING_CHECK(is_implicit || state_ == State::starting_tls, "nobody asked for TLS");
    reset_transaction();
    helo_.clear();  // RFC 3207 §4.2
    is_esmtp_ = false;
    is_tls_ = true;
    state_ = is_implicit ? State::fresh : State::command;
    return Step{{}, action::ReadCommand{}};
}

// What is said in XCLIENT stands in for HELO until there is one, as in Postfix.
Step ServerDialogue::on_xclient_done() {
    SIDING_CHECK(state_ == State::asking_xclient, "nobody asked for XCLIENT");
    reset_transaction();
    const XclientAttributes said = std::exchange(xclient_, {});
    helo_ = said.helo.value_or("");
    is_esmtp_ = said.esmtp.value_or(false);
    is_xclient_done_ = true;
    return say_greeting();
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

Step ServerDialogue::say_greeting() {
    // RFC 2034 §4: no enhanced code in the greeting and the answers to EHLO and HELO.
    return say(Reply{220, options_.hostname + " ESMTP Siding"});
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
    in_chunks_ = false;
    is_discarding_ = false;
}

std::optional<Reply> ServerDialogue::check_ready() const {
    if (helo_.empty()) {
        return bad_sequence("Send HELO or EHLO first");
    }
    if (options_.tls_required && !is_tls_) {
        return Reply{530, {5, 7, 0}, "Must issue a STARTTLS command first"};  // RFC 3207 §4
    }
    if (options_.xclient_required && !is_xclient_done_) {
        return Reply{550, {5, 7, 0}, "XCLIENT is required here"};
    }
    if (in_transaction_) {
        return bad_sequence("Nested MAIL command");
    }
    return std::nullopt;
}

Extensions ServerDialogue::offered() const {
    Extensions extensions = options_.offered;
    if (extensions.has(Extension::size)) {
        extensions.add_size(options_.message_octets_max);
    }
    if (extensions.has(Extension::limits)) {
        // MAIL, RCPT and DATA or BDAT LAST are the fewest that a message takes.
        const std::uint64_t mail_max = options_.commands_max / 3;
        extensions.add_limits(
            options_.recipients_max, mail_max > 0 ? std::optional{mail_max} : std::nullopt
        );
    }
    if (is_tls_ || !options_.tls_available) {
        extensions.remove(Extension::starttls);  // RFC 3207 §4.2
    }
    if (!is_tls_) {
        extensions.remove(Extension::requiretls);  // RFC 8689 §2
    }
    if (!extensions.has(Extension::chunking)) {
        extensions.remove(Extension::binarymime);  // RFC 3030 §3
    }
    return extensions;
}

std::string_view ServerDialogue::state_name() const {
    switch (state_) {
    case State::fresh:
        return "greeting";
    case State::command:
        return !in_transaction_               ? "command"
               : in_chunks_                   ? "data"
               : envelope_.recipients.empty() ? "mail"
                                              : "rcpt";
    case State::asking_mail:
        return "mail";
    case State::asking_rcpt:
        return "rcpt";
    case State::asking_xclient:
        return "command";
    case State::receiving:
    case State::receiving_chunk:
        return "data";
    case State::committing:
        return "commit";
    case State::starting_tls:
        return "starttls";
    case State::closed:
        return "closed";
    }
    SIDING_UNREACHABLE("no such state");
}

}  // namespace siding::smtp

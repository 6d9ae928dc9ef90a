// The inbound machine: one client's SMTP session from greeting to close (RFC 5321 §4.1.4).
//
// Pure. An event goes in, a Step comes out: octets to send, then one thing to do. It knows the
// order of commands, the extensions offered and the limits; it does not know domains, routes or the
// store: it asks (CheckMail, CheckRcpt, Commit) and the shell answers with on_answer.
//
// A Commit carries its envelope away, so no outcome of a message can leave a transaction behind.
// STARTTLS, BDAT, XCLIENT add an Action and an overload of `on`.
#pragma once

#include "base/limits.hpp"
#include "smtp/command.hpp"
#include "smtp/data_codec.hpp"
#include "smtp/extensions.hpp"
#include "smtp/header_scan.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace siding::smtp {

// What the client said about one message, verbatim where it is sent on.
struct Envelope {
    struct Recipient {
        Path path;
        RcptParameters parameters;
    };

    std::string helo;
    bool is_esmtp = false;
    Path reverse_path;
    MailParameters mail_parameters;
    std::vector<Recipient> recipients;
};

namespace action {

struct ReadCommand {};
struct CheckMail {
    Path reverse_path;
    MailParameters parameters;
};
struct CheckRcpt {
    Path forward_path;
    RcptParameters parameters;
};
// Run the octets that follow through a DataDecoder, then on_data_end.
struct ReceiveData {};
// Store the body just received with this envelope; the answer is the client's. After ReceiveData
// any other action means: drop the body.
struct Commit {
    Envelope envelope;
};
struct Close {};

}  // namespace action

using Action = std::variant<
    action::ReadCommand,
    action::CheckMail,
    action::CheckRcpt,
    action::ReceiveData,
    action::Commit,
    action::Close>;

struct Step {
    std::string output;  // to send before the action, after the delay
    Action action;
    std::chrono::milliseconds delay{0};  // for a client that makes errors
};

struct DataSummary {
    bool is_too_large = false;
    bool is_refused_for_bare_newline = false;
    std::size_t received_fields = 0;
};

DataSummary summarize(const DataDecoder& decoder, const HeaderScan& header);

struct ServerOptions {
    std::string hostname;
    std::size_t recipients_max = 1000;
    std::uint64_t message_octets_max = 50 * 1024 * 1024;
    std::size_t errors_soft = limits::errors_soft_max;  // from the next on, the reply is delayed
    std::size_t errors_hard = limits::errors_hard_max;  // this one ends the session with 421
};

class ServerDialogue {
public:
    explicit ServerDialogue(ServerOptions options);

    // A new connection: 220, or a 421 or 554 of the shell's and the end.
    Step greet();
    Step turn_away(const Reply& reply);

    Step on_line(std::string_view line);  // without CRLF
    Step on_line_too_long();  // over limits::command_line_octets_max, skipped to its end
    Step on_line_endless();   // over limits::discarded_line_octets_max: hopeless

    // The answer to CheckMail, CheckRcpt or Commit. A positive reply accepts; 421 ends the session.
    Step on_answer(const Reply& reply);
    // The usual words for yes to CheckMail and CheckRcpt.
    Step on_accepted();

    Step on_data_end(const DataSummary& summary);

    // While reading commands or a body; a message whose end has been read is answered first.
    Step on_shutdown();
    Step on_timeout();

private:
    enum class State { fresh, command, asking_mail, asking_rcpt, receiving, committing, closed };

    Step on(command::Hello&& hello);
    Step on(command::Mail&& mail);
    Step on(command::Rcpt&& rcpt);
    Step on(command::Data&&);
    Step on(command::Rset&&);
    Step on(command::Noop&&);
    Step on(command::Vrfy&&);
    Step on(command::Quit&&);
    Step on(command::NotImplemented&&);
    Step on(command::Foreign&&);

    Step say(const Reply& reply);  // and read the next command
    Step say_and_close(const Reply& reply);
    Step say_error(const Reply& reply);  // counts; delays or closes where it is enough
    Step say_junk(const Reply& reply);
    Step refuse(const Reply& reply);  // the shell's refusal
    void reset_transaction();
    Extensions offered() const;

    ServerOptions options_;
    State state_ = State::fresh;
    std::string helo_;  // empty before HELO and EHLO
    bool is_esmtp_ = false;
    bool in_transaction_ = false;
    std::size_t refused_recipients_ = 0;  // of this transaction
    Envelope envelope_;
    std::size_t errors_ = 0;
    std::size_t junk_commands_ = 0;
};

}  // namespace siding::smtp

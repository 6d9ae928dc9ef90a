// The inbound machine: one client's SMTP session from greeting to close (RFC 5321 §4.1.4).
//
// Pure. An event goes in, a Step comes out: octets to send, then one thing to do. It knows the
// order of commands, the extensions offered and the limits; it does not know domains, routes or the
// store: it asks (CheckMail, CheckRcpt, Commit) and the shell answers with on_answer.
//
// A Commit carries its envelope away, so no outcome of a message can leave a transaction behind.
// An extension with a verb adds an Action and an overload of `on`. The message half of the machine
// (DATA, BDAT, what its end means) is in server_dialogue_message.cpp.
#pragma once

#include "base/limits.hpp"
#include "smtp/chunk_codec.hpp"
#include "smtp/command.hpp"
#include "smtp/data_codec.hpp"
#include "smtp/extensions.hpp"
#include "smtp/header_scan.hpp"
#include "smtp/xclient.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
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
    bool used_chunking = false;  // BDAT
    Path reverse_path;
    MailParameters mail_parameters;
    std::vector<Recipient> recipients;
};

namespace action {

// Read a line, then on_line; tell whether octets behind it have been read already.
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
// Take exactly that many octets, then on_chunk_end. `discard`: throw them away. Else they go
// through the message's ChunkDecoder, a new one for the `first` chunk; after the `last` the
// decoder's finish. Between chunks commands are read; the octets so far are kept while
// is_chunking() and dropped when it is not.
struct ReceiveChunk {
    std::uint64_t octets = 0;
    bool last = false;
    bool discard = false;
    bool first = false;
    bool binary = false;  // BODY=BINARYMIME: the decoder changes nothing
};
// Store the body just received with this envelope; the answer is the client's. After ReceiveData
// any other action means: drop the body.
struct Commit {
    Envelope envelope;
};
// Send the output, throw away whatever has been read, shake hands; then on_tls_started, or the
// end of the connection without a word.
struct StartTls {};
// Adopt what the proxy says about its client, then on_xclient_done, or on_answer with a refusal.
struct Xclient {
    XclientAttributes attributes;
};
struct Close {};

}  // namespace action

using Action = std::variant<
    action::ReadCommand,
    action::CheckMail,
    action::CheckRcpt,
    action::ReceiveData,
    action::ReceiveChunk,
    action::Commit,
    action::StartTls,
    action::Xclient,
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
    std::size_t own_received_fields = 0;
    std::uint64_t header_octets = 0;
};

DataSummary summarize(const DataDecoder& decoder, const HeaderScan& header);
DataSummary summarize(const ChunkDecoder& decoder, const HeaderScan& header);

struct ServerOptions {
    std::string hostname;
    std::size_t recipients_max = 1000;
    std::uint64_t message_octets_max = 50 * 1024 * 1024;
    std::size_t errors_soft = limits::errors_soft_max;  // from the next on, the reply is delayed
    std::size_t errors_hard = limits::errors_hard_max;  // this one ends the session with 421
    std::uint64_t header_octets_max = limits::header_section_octets_max;
    std::size_t received_max = limits::received_fields_max;  // so many are a loop
    std::size_t commands_max = 0;                            // of one session; 0: no limit
    // What may be offered; the numbers of SIZE and LIMITS come from the limits above. Which of them
    // are offered also depends on the state of the session.
    Extensions offered{
        Extension::pipelining,
        Extension::size,
        Extension::starttls,
        Extension::enhanced_status_codes,
        Extension::eight_bit_mime};
    bool tls_available = false;     // STARTTLS is offered, if it may be, while there is no TLS
    bool tls_required = false;      // no MAIL without TLS
    bool xclient = false;           // the peer may say who its client is
    bool xclient_required = false;  // no MAIL before it has
};

class ServerDialogue {
public:
    explicit ServerDialogue(ServerOptions options);

    // A new connection: 220, or a 421 or 554 of the shell's and the end.
    Step greet();
    Step turn_away(const Reply& reply);
    Step on_early_talker();  // the client spoke first

    // `line` without CRLF. `more_input`: octets behind the line have been read already.
    Step on_line(std::string_view line, bool more_input = false);
    Step on_line_too_long();  // over limits::command_line_octets_max, skipped to its end
    Step on_line_endless();   // over limits::discarded_line_octets_max: hopeless

    // The answer to CheckMail, CheckRcpt or Commit. A positive reply accepts; 421 ends the session.
    Step on_answer(const Reply& reply);
    // The usual words for yes to CheckMail and CheckRcpt.
    Step on_accepted();

    Step on_data_end(const DataSummary& summary);
    Step on_chunk_end(const DataSummary& summary);  // the summary of a discarded chunk is not read

    // The handshake is done: everything said before is forgotten (RFC 3207 §4.2). On a listener
    // with implicit TLS: before greet, and the step is to be dropped.
    Step on_tls_started();
    // Greets again, as the new client's connection.
    Step on_xclient_done();

    // While reading commands or a body; a message whose end has been read is answered first.
    Step on_shutdown();
    Step on_timeout();

    bool is_tls() const { return is_tls_; }
    bool is_chunking() const { return in_chunks_; }
    // A MAIL stands. False from the Commit on, which carries its envelope away.
    bool is_in_transaction() const { return in_transaction_; }
    const Envelope& envelope() const { return envelope_; }  // of the transaction, so far
    const std::string& helo() const { return helo_; }
    bool is_esmtp() const { return is_esmtp_; }
    std::size_t errors() const { return errors_; }
    // For the list of sessions: "greeting", "command", "mail", "rcpt", "data", "commit", …
    std::string_view state_name() const;

private:
    enum class State {
        fresh,
        command,
        asking_mail,
        asking_rcpt,
        asking_xclient,
        receiving,
        receiving_chunk,
        committing,
        starting_tls,
        closed,
    };

    Step on(command::Hello&& hello);
    Step on(command::Mail&& mail);
    Step on(command::Rcpt&& rcpt);
    Step on(command::Data&&);
    Step on(command::Bdat&& chunk);
    Step on(command::Rset&&);
    Step on(command::Noop&&);
    Step on(command::Vrfy&&);
    Step on(command::Quit&&);
    Step on(command::StartTls&&);
    Step on(command::Xclient&& xclient);
    Step on(command::NotImplemented&&);
    Step on(command::Foreign&&);

    std::optional<Reply> check_ready() const;  // why no transaction can begin
    std::optional<Reply> check_recipients() const;
    std::optional<Reply> check_chunk(const command::Bdat& chunk) const;
    std::optional<Reply> check_body(const DataSummary& summary) const;
    Step commit(bool used_chunking);

    Step say(const Reply& reply);  // and read the next command
    Step say_greeting();
    Step say_and_close(const Reply& reply);
    Step say_error(const Reply& reply);  // counts; delays or closes where it is enough
    Step say_junk(const Reply& reply);
    Step refuse(const Reply& reply);  // the shell's refusal
    void reset_transaction();
    Extensions offered() const;

    ServerOptions options_;
    State state_ = State::fresh;
    bool is_tls_ = false;
    bool is_xclient_done_ = false;
    bool has_more_input_ = false;  // behind the line under way
    std::string helo_;             // empty before HELO and EHLO
    bool is_esmtp_ = false;
    std::size_t errors_ = 0;
    std::size_t junk_commands_ = 0;
    std::size_t commands_ = 0;

    // The transaction.
    bool in_transaction_ = false;
    std::size_t refused_recipients_ = 0;
    Envelope envelope_;
    bool in_chunks_ = false;              // a chunk of its message has been taken
    bool is_discarding_ = false;          // a chunk failed: the rest of that message is in the way
    command::Bdat chunk_;                 // the one being received,
    std::optional<Reply> chunk_refusal_;  // and why it is discarded
    XclientAttributes xclient_;           // the one being asked about
};

}  // namespace siding::smtp

// The outbound machine: one connection to a server, one transaction after the other
// (RFC 5321 §4.1.4, RFC 2920).
//
// Pure. It knows the order of commands, pipelining and what each answer means for each recipient.
// Every transaction that began ends with exactly one verdict per recipient, in their order,
// whatever happens to the connection. From the moment the terminator of the body is in a Step's
// output until its answer, a loss is "in doubt"; before, the server cannot have taken the message.
#pragma once

#include "smtp/extensions.hpp"
#include "smtp/parameters.hpp"
#include "smtp/verdict.hpp"

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace siding::smtp {

struct Transaction {
    struct Recipient {
        std::string forward_path;  // verbatim, without brackets
        RcptParameters parameters;
    };

    std::string reverse_path;  // verbatim, without brackets; empty for <>
    MailParameters mail_parameters;
    std::vector<Recipient> recipients;  // at least one
    std::uint64_t octets = 0;           // all that will be sent, with our Received line
};

// Which deadline an awaited reply has (RFC 5321 §4.5.3.2).
enum class Wait { greeting, hello, mail, rcpt, data, end_of_data, quit };

namespace client_action {

struct ReadReply {
    Wait wait;
};
// Send the message through a DataEncoder, all but its last octets, then on_body_end.
struct SendBody {};
// begin() the next transaction, or quit().
struct Ready {};
struct Close {};

}  // namespace client_action

using ClientAction = std::variant<
    client_action::ReadReply,
    client_action::SendBody,
    client_action::Ready,
    client_action::Close>;

struct ClientStep {
    std::string output;  // to send before the action
    ClientAction action;
    std::vector<Verdict> verdicts;  // filled by the step that ends a transaction
    // With Close: why no transaction can be sent here (no usable greeting, connection lost).
    std::optional<Verdict> session_failure;
};

struct ClientOptions {
    std::string hostname;
    bool use_pipelining = true;  // where it is offered
};

class ClientDialogue {
public:
    explicit ClientDialogue(ClientOptions options) : options_{std::move(options)} {}

    ClientStep on_connected();
    ClientStep begin(Transaction transaction);  // after Ready
    ClientStep quit();                          // after Ready

    // Also while idle or while the body is being sent: a server may give up at any time.
    ClientStep on_reply(Reply reply);

    // `last` is the encoder's rest with the terminator; it is handed back as output.
    ClientStep on_body_end(std::string last);

    // Connection lost, deadline passed, malformed reply: the connection is of no more use.
    ClientStep on_lost(std::string what);

    const Extensions& extensions() const { return extensions_; }
    bool is_ready() const { return state_ == State::ready; }

private:
    enum class State {
        fresh,
        greeting,
        ehlo,
        helo,
        ready,
        commands,
        body,
        end_of_data,
        quitting,
        closed
    };
    enum class Verb { rset, mail, rcpt, data };
    struct Sent {
        Verb verb;
        std::size_t recipient;
    };

    ClientStep on_greeting(const Reply& reply);
    ClientStep on_hello(const Reply& reply);
    ClientStep on_command_reply(Reply reply);
    ClientStep on_final_reply(Reply reply);
    ClientStep on_data_reply(const Reply& reply);
    ClientStep fail_session(Verdict verdict);
    ClientStep fail_transaction(const Verdict& verdict);
    ClientStep finish();
    ClientStep close();
    ClientStep send_commands();

    std::optional<Verdict> check_fits() const;
    std::optional<Sent> next_command() const;
    void send(const Sent& command, std::string& output);
    std::string format_mail() const;
    void settle_all(const Verdict& verdict);
    std::size_t unsettled() const;
    Stage stage() const;
    Wait wait() const;

    ClientOptions options_;
    Extensions extensions_;
    State state_ = State::fresh;
    bool needs_rset_ = false;  // the last transaction was left unfinished on the server

    Transaction transaction_;
    std::vector<std::optional<Verdict>> verdicts_;  // of transaction_, while it runs
    std::deque<Sent> sent_;                         // not yet answered
    std::optional<Sent> last_sent_;
    bool is_mail_refused_ = false;
    std::size_t accepted_ = 0;
};

}  // namespace siding::smtp

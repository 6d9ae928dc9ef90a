// The outbound machine: one connection to a server, one transaction or probe after the other
// (RFC 5321 §4.1.4, RFC 2920, RFC 3207, RFC 3030).
//
// Pure. It knows the order of commands, pipelining and what each answer means for each recipient.
// Every transaction that began ends with exactly one verdict per recipient, in their order,
// whatever happens to the connection. From the moment the last octets of the body are in a Step's
// output until its answer, a loss is "in doubt"; before, the server cannot have taken the message.
#pragma once

#include "smtp/transaction.hpp"
#include "smtp/verdict.hpp"

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace siding::smtp {

// Asks a server whether it would take mail for these, and takes the question back (RSET). Its
// verdicts: `delivered` is a yes to RCPT, `permanent` a no to RCPT, all else is transient.
struct Probe {
    std::string sender;                   // both without brackets
    std::vector<std::string> recipients;  // at least one
};

// Which deadline an awaited reply has (RFC 5321 §4.5.3.2).
enum class Wait { greeting, hello, mail, rcpt, data, end_of_data, quit };

namespace client_action {

struct ReadReply {
    Wait wait;
};
// Octets that were read behind the reply: on_early_octets(). Else shake hands, then
// on_tls_started() or on_lost().
struct StartTls {};
// Send the message, all but its last octets, then on_body_end: through a DataEncoder, or chunked
// exactly Transaction::octets of it as they are.
struct SendBody {
    bool is_chunked;
};
// begin() the next transaction, probe(), or quit().
struct Ready {};
struct Close {};

}  // namespace client_action

using ClientAction = std::variant<
    client_action::ReadReply,
    client_action::StartTls,
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

enum class ClientTls {
    off,
    opportunistic,  // where it is offered and not refused
    required,       // or the session fails, which says nothing about any message
};

struct ClientOptions {
    std::string hostname;
    bool use_pipelining = true;  // where it is offered
    ClientTls tls = ClientTls::off;
};

class ClientDialogue {
public:
    explicit ClientDialogue(ClientOptions options) : options_{std::move(options)} {}

    ClientStep on_connected();
    ClientStep begin(Transaction transaction);  // after Ready
    ClientStep probe(Probe probe);              // after Ready
    ClientStep quit();                          // after Ready

    // Also while idle or while the body is being sent: a server may give up at any time.
    ClientStep on_reply(Reply reply);

    // What was learnt before is forgotten and asked again (RFC 3207 §4.2).
    ClientStep on_tls_started(bool is_verified);
    // Octets came behind the answer to STARTTLS, in the clear: somebody wants them to be taken for
    // the server's words inside TLS (CVE-2021-38371).
    ClientStep on_early_octets();

    // `last` is the encoder's rest with the terminator, or the last octets of the chunk; it is
    // handed back as output.
    ClientStep on_body_end(std::string last);

    // Connection lost, deadline passed, malformed reply: the connection is of no more use.
    ClientStep on_lost(std::string what);

    const Extensions& extensions() const { return hop_.extensions; }
    bool is_tls() const { return hop_.is_tls; }
    bool is_ready() const { return state_ == State::ready; }

    // RFC 9422: recipients that one transaction may have here; MAILMAX has been reached.
    std::size_t recipients_max() const;
    bool is_spent() const;

    // The session failed in its TLS, which was only a wish: another connection may do without.
    bool may_go_without_tls() const { return may_go_without_tls_; }

private:
    enum class State {
        fresh,
        greeting,
        ehlo,
        helo,
        starttls,
        handshake,
        ready,
        commands,
        body,
        end_of_data,
        quitting,
        closed
    };
    enum class Verb { rset, mail, rcpt, data, end_probe };
    struct Sent {
        Verb verb;
        std::size_t recipient;
    };

    ClientStep on_greeting(const Reply& reply);
    ClientStep on_hello(const Reply& reply);
    ClientStep on_hello_done();
    ClientStep on_starttls_reply(const Reply& reply);
    ClientStep fail_session(Verdict verdict);
    ClientStep fail_tls(std::string what);
    ClientStep close();

    // client_transaction.cpp
    ClientStep start(const std::optional<Verdict>& refusal);
    ClientStep on_command_reply(Reply reply);
    void on_rcpt_reply(std::size_t recipient, Reply reply);
    ClientStep on_data_reply(const Reply& reply);
    ClientStep on_final_reply(Reply reply);
    ClientStep send_commands();
    ClientStep on_commands_answered();
    ClientStep fail_transaction(const Verdict& verdict);
    ClientStep finish();
    std::optional<Sent> next_command() const;
    void send(const Sent& command, std::string& output);
    void settle_all(const Verdict& verdict);
    std::size_t unsettled() const;
    Stage stage() const;
    Wait wait() const;

    ClientOptions options_;
    NextHop hop_;
    State state_ = State::fresh;
    bool may_go_without_tls_ = false;
    bool needs_rset_ = false;  // the last transaction was left unfinished on the server
    std::uint64_t mails_ = 0;

    Transaction transaction_;
    bool is_probe_ = false;
    std::vector<std::optional<Verdict>> verdicts_;  // of transaction_, while it runs
    std::deque<Sent> sent_;                         // not yet answered
    std::optional<Sent> last_sent_;
    bool is_mail_refused_ = false;
    std::size_t accepted_ = 0;
};

}  // namespace siding::smtp

// The outbound machine: one connection to a server, and the transactions and probes on it
// (RFC 5321 §4.1.4, RFC 2920, RFC 3207, RFC 3030, RFC 4954).
//
// Pure. It knows the order of commands and what each answer means for each recipient. Where the
// server can take it, several transactions are under way: with PIPELINING the next MAIL, RCPT and
// DATA ride behind the final dot; with CHUNKING too whole transactions are streamed, an RSET in
// front of each MAIL, so that one that fails cannot spill over into the next.
//
// Every transaction that began ends with exactly one verdict per recipient, in their order,
// whatever happens to the connection. From the moment its last octets are in a Step's output until
// its answer, a loss is "in doubt"; before, the server cannot have taken the message.
#pragma once

#include "smtp/sasl.hpp"
#include "smtp/transaction.hpp"
#include "smtp/verdict.hpp"

#include <cstdint>
#include <deque>
#include <limits>
#include <list>
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

// The name of a transaction on its connection; each is larger than the one before.
using Ticket = std::uint64_t;

// Which deadline an awaited reply has (RFC 5321 §4.5.3.2).
enum class Wait { greeting, hello, mail, rcpt, data, end_of_data, quit };

namespace client_action {

// Nothing is to be sent now, replies are awaited.
struct ReadReply {
    Wait wait;
};
// Octets that were read behind the reply: on_early_octets(). Else shake hands, then
// on_tls_started() or on_lost().
struct StartTls {};
// Send the message, all but its last octets, then on_body_end(): through a DataEncoder, or chunked
// exactly Transaction::octets of it as they are. Replies go to on_reply() meanwhile.
struct SendBody {
    bool is_chunked = false;
    Ticket ticket = 0;
};
struct GoOn {};  // with that body
// begin() the next transaction, probe(), or quit(). In a transaction step by step: the next step.
struct Ready {};
struct Close {};

}  // namespace client_action

using ClientAction = std::variant<
    client_action::ReadReply,
    client_action::StartTls,
    client_action::SendBody,
    client_action::GoOn,
    client_action::Ready,
    client_action::Close>;

// The end of a transaction or probe; the answer to one step of a transaction.
struct Answer {
    Ticket ticket = 0;
    std::vector<Verdict> verdicts = {};
};

struct ClientStep {
    std::string output = {};  // to send before the action
    ClientAction action = client_action::Ready{};
    std::vector<Answer> answers = {};
    // With Close: why no transaction can be sent here (no usable greeting, connection lost).
    std::optional<Verdict> session_failure = {};
    bool is_secret = false;  // the output is not for the log
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
    bool use_chunking = true;                     // for all messages, where both are offered
    bool use_xclient = false;                     // where it is offered
    std::optional<Credentials> credentials = {};  // or the session fails
    bool may_log_in_without_tls = false;          // loopback
};

struct Loss {
    std::string what;
    bool is_by_peer = false;  // it has closed the connection; else a deadline, or our own doing
    // This transaction and those behind it did not go out to their last octets.
    Ticket unsent_from = std::numeric_limits<Ticket>::max();
};

class ClientDialogue {
public:
    explicit ClientDialogue(ClientOptions options) : options_{std::move(options)} {}

    ClientStep on_connected();
    // From the first Ready on, while fewer than window() are under way, else it waits its turn. On
    // a connection that is over, or takes no more, the answer comes at once.
    ClientStep begin(Transaction transaction, Ticket ticket = 0);
    ClientStep probe(Probe probe, Ticket ticket = 0);  // alone
    ClientStep quit();                                 // after Ready

    // A transaction step by step, alone; its steps carry its ticket. The first recipient brings
    // MAIL along; an answer `delivered` at Stage::rcpt means accepted.
    ClientStep rcpt(const Transaction& head, Transaction::Recipient recipient, Ticket ticket = 0);
    // The message: a verdict for each recipient that was accepted.
    ClientStep finish(std::uint64_t octets, Ticket ticket = 0);
    ClientStep reset(Ticket ticket = 0);

    // Also while idle or while the body is being sent: a server may give up at any time.
    ClientStep on_reply(Reply reply);

    // What was learnt before is forgotten and asked again (RFC 3207 §4.2).
    ClientStep on_tls_started(bool is_verified);
    // Octets came behind the answer to STARTTLS, in the clear: somebody wants them to be taken for
    // the server's words inside TLS (CVE-2021-38371).
    ClientStep on_early_octets();

    // `last` is the encoder's rest with the terminator, or the last octets of the chunk; it is
    // handed back as output, with what may follow it.
    ClientStep on_body_end(std::string last);
    // The body cannot be had: no more is sent, and what is under way is waited for.
    ClientStep on_body_failed(std::string what);
    // Nothing can be written any more; the server's last words may still be read.
    ClientStep on_write_failed();

    // Connection lost, deadline passed, malformed reply: the connection is of no more use.
    ClientStep on_lost(Loss loss);
    ClientStep on_lost(std::string what) { return on_lost(Loss{std::move(what)}); }

    // What the next reply answers; nothing when none is due.
    std::optional<Wait> awaits() const;
    // The transaction whose body is due.
    std::optional<Ticket> body_of() const { return body_of_; }

    std::size_t window() const;
    const Extensions& extensions() const { return hop_.extensions; }
    const std::string& greeting() const { return greeting_; }        // one line, as it came
    const std::string& server_name() const { return server_name_; }  // of the EHLO reply
    bool is_tls() const { return hop_.is_tls; }
    bool is_ready() const;  // and nothing is under way
    bool is_open() const { return state_ == State::open && !is_mute_; }

    // RFC 9422: recipients that one transaction may have here.
    std::size_t recipients_max() const;
    // MAILMAX has been reached; or the server has said no so often without taking a message that it
    // will slow down and hang up soon (Postfix smtpd_soft_error_limit, smtpd_hard_error_limit).
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
        auth,
        open,
        quitting,
        closed
    };
    enum class Verb { xclient, ehlo, rset, mail, rcpt, data, chunk, dot, end_probe };
    // Sent and not yet answered.
    struct Sent {
        Verb verb;
        Ticket ticket;
        std::size_t recipient;
    };
    enum class Kind { whole, probe, stepwise };
    // XCLIENT and the EHLO behind it, before MAIL.
    enum class Intro { xclient, xclient_said, ehlo, ehlo_said, done };
    // A transaction under way.
    struct Underway {
        Ticket ticket = 0;
        Kind kind = Kind::whole;
        Transaction transaction;
        std::vector<std::optional<Verdict>> verdicts;  // of its recipients
        std::optional<Verdict> mail_refusal;
        std::size_t unanswered = 0;  // commands
        std::size_t rcpts_said = 0;
        std::size_t accepted = 0;
        Intro intro = Intro::done;
        std::string introduced_as;  // in the EHLO behind XCLIENT
        bool has_begun = false;     // anything was said
        bool is_reset = false;      // before MAIL
        bool is_mail_said = false;
        bool is_end_said = false;  // DATA, BDAT, or a probe's RSET
        bool is_chunked = false;
        bool is_said = false;       // all of it, to its last octets
        bool is_cleared = false;    // and the server has forgotten it
        bool is_asking = false;     // step by step: an answer is owed
        Verdict acceptance;         // of the last recipient
        bool is_finishing = false;  // all steps but the message are done
    };

    ClientStep on_greeting(const Reply& reply);
    ClientStep on_hello(const Reply& reply);
    ClientStep on_hello_done();
    ClientStep on_starttls_reply(const Reply& reply);
    ClientStep log_in();
    ClientStep on_auth_reply(const Reply& reply);
    ClientStep enter_open();
    ClientStep fail_session(Verdict verdict);
    ClientStep fail_tls(std::string what);
    ClientStep close();
    void learn(const Reply& ehlo);

    // client_transaction.cpp: what is said
    ClientStep start(Underway underway);
    ClientStep go_on(ClientStep step);
    ClientAction next_action();
    void say_more(ClientStep& step);
    void say(Underway& u, std::string& out);
    bool may_begin(const Underway& u) const;
    bool needs_rset(const Underway& u) const;
    std::optional<Verb> next_verb(const Underway& u) const;
    std::optional<Verb> end_verb(const Underway& u) const;
    bool wants_chunk(const Underway& u) const;
    void put(Underway& u, Verb verb, std::string& out);
    Intro intro_of(const Transaction& transaction) const;
    bool has(Extension extension) const { return hop_.extensions.has(extension); }
    bool is_pipelining() const;
    bool is_streaming() const;
    bool is_over(const Underway& u) const;
    void conclude(Underway& u, ClientStep& step);
    void answer_step(Underway& u, ClientStep& step);
    static ClientStep answer_at_once(Ticket ticket, std::vector<Verdict> verdicts);

    // client_answers.cpp: what is heard
    ClientStep on_open_reply(Reply reply);
    void on_answer(Underway& u, const Sent& sent, Reply reply, ClientStep& step);
    void on_rset_refused(Underway& u, Reply reply, ClientStep& step);
    static void on_rcpt_reply(Underway& u, std::size_t recipient, Reply reply);
    void on_data_reply(Underway& u, const Reply& reply, ClientStep& step);
    void on_final_reply(Underway& u, Verb verb, Reply reply, ClientStep& step);
    void on_intro_reply(Underway& u, Verb verb, const Reply& reply, ClientStep& step);
    ClientStep on_goodbye(Reply reply, const Sent& sent);
    ClientStep on_unasked(Reply reply);
    ClientStep on_early_answer(Reply reply);
    void give_up(Underway& u, const Verdict& verdict, ClientStep& step);
    void give_up_connection(Underway& u, const Verdict& verdict, ClientStep& step);
    void fail_unsaid(const Verdict& verdict, ClientStep& step);
    void fail_all(const Loss& loss, ClientStep& step);
    bool is_answer_due() const;
    Underway* find(Ticket ticket);
    const Underway* find(Ticket ticket) const;
    void forget(const Underway& u);
    Stage stage_of(const Underway& u) const;
    Verdict judge_lost(const Underway& u, const Loss& loss) const;
    static Stage stage_of(Verb verb);
    static Wait wait_of(Verb verb);
    static void settle(Underway& u, const Verdict& verdict);

    // client_steps.cpp: a transaction step by step
    Underway* stepwise();
    ClientStep add_recipient(Underway& u, Transaction::Recipient recipient, Ticket ticket);

    ClientOptions options_;
    NextHop hop_;
    std::vector<SaslMechanism> auth_offer_;
    std::vector<std::string> xclient_offer_;
    std::string greeting_;
    std::string server_name_;
    State state_ = State::fresh;
    std::optional<SaslExchange> sasl_;
    std::optional<XclientAttributes> announced_;  // who the server thinks the client is
    bool may_go_without_tls_ = false;
    bool needs_rset_ = false;  // the last transaction was left unfinished on the server
    bool is_mute_ = false;     // nothing more is said
    std::uint64_t mails_ = 0;
    std::size_t errors_ = 0;  // since the last message that was taken
    std::string over_because_;

    std::list<Underway> underway_;  // in the order of their tickets
    std::deque<Sent> sent_;         // not yet answered
    std::optional<Ticket> body_of_;
    bool is_body_new_ = false;            // and was not asked for yet
    std::uint64_t octets_in_flight_ = 0;  // of messages that are under way
    std::optional<Reply> goodbye_;        // 421
};

}  // namespace siding::smtp
